"""What the page may ask of conversations in the list, each order parsed and checked by orders.py."""

from dataclasses import dataclass
from typing import Annotated, Literal, assert_never

from pydantic import StringConstraints

from archive import Share
from assistant import Assistant
from components.order_fields import ConversationId

FolderName = Annotated[str, StringConstraints(max_length=200)]


@dataclass(frozen=True, slots=True)
class Rename:
    conversation: ConversationId
    title: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
    do: Literal["rename"] = "rename"


@dataclass(frozen=True, slots=True)
class Pin:
    conversation: ConversationId
    pinned: bool
    do: Literal["pin"] = "pin"


@dataclass(frozen=True, slots=True)
class Put:
    """Into a folder; "" takes it out of its own."""

    conversation: ConversationId
    folder: FolderName
    do: Literal["put"] = "put"


@dataclass(frozen=True, slots=True)
class RenameFolder:
    """An empty name dissolves it."""

    folder: FolderName
    name: FolderName
    do: Literal["rename-folder"] = "rename-folder"


@dataclass(frozen=True, slots=True)
class Folders:
    """Ask for their names."""

    do: Literal["folders"] = "folders"


@dataclass(frozen=True, slots=True)
class Delete:
    """`memories` says whether they go too; None asks for it to be asked, where there are any."""

    conversation: ConversationId
    memories: bool | None = None
    do: Literal["delete"] = "delete"


@dataclass(frozen=True, slots=True)
class TakeBack:
    """Undo a deletion."""

    conversation: ConversationId
    do: Literal["take-back"] = "take-back"


@dataclass(frozen=True, slots=True)
class ShareConversation:
    """`shared`: make a link, or let it show what was said since; None asks how it stands."""

    conversation: ConversationId
    shared: bool | None = None
    do: Literal["share"] = "share"


ConversationOrder = (
    Rename | Pin | Put | RenameFolder | Folders | Delete | TakeBack | ShareConversation
)


async def carry_out(
    assistant: Assistant, owner: str, order: ConversationOrder
) -> dict[str, object] | None:
    """What the answer tells besides that it was done."""
    archive = assistant.archive
    match order:
        case Rename(conversation, title):
            await assistant.rename(owner, conversation, title)
        case Pin(conversation, pinned):
            await archive.pin(owner, conversation, pinned)
        case Put(conversation, folder):
            await archive.put(owner, conversation, folder)
        case RenameFolder(folder, name):
            await archive.rename_folder(owner, folder, name)
        case Folders():
            return {"folders": await archive.folders(owner)}
        case Delete(conversation, memories):
            return await _delete(assistant, owner, conversation, memories)
        case TakeBack(conversation):
            await archive.take_back(owner, conversation)
        case ShareConversation(conversation, shared):
            return await _share(assistant, owner, conversation, shared)
        case _:
            assert_never(order)
    return None


async def _delete(
    assistant: Assistant, owner: str, conversation: str, memories: bool | None
) -> dict[str, object]:
    if memories is None:
        count = await assistant.archive.memories_of(owner, conversation)
        if count:
            return {"memories": count}
    await assistant.stop(owner, conversation)
    await assistant.archive.throw(owner, conversation, forgets=memories is not False)
    return {"memories": 0}


async def _share(
    assistant: Assistant, owner: str, conversation: str, shared: bool | None
) -> dict[str, object]:
    if shared is False:
        await assistant.archive.withdraw(owner, conversation)
        return _told(None)
    if shared:
        return _told(await assistant.archive.share(owner, conversation))
    return _told(await assistant.archive.share_of(owner, conversation))


def _told(share: Share | None) -> dict[str, object]:
    if share is None:
        return {"link": ""}
    return {
        "link": f"/parley/shared/{share.token}",
        "messages": share.messages,
        "newer": share.newer,
        "at": share.shared_at,
    }

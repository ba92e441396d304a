"""What the page may ask of the tools, each order parsed and checked by orders.py."""

from dataclasses import dataclass
from typing import Annotated, Literal, assert_never

from pydantic import StringConstraints

from assistant import Assistant, Refused
from toolbox import Permission

ToolName = Annotated[str, StringConstraints(min_length=1, max_length=200)]
ServerName = Annotated[str, StringConstraints(max_length=1_000)]


@dataclass(frozen=True, slots=True)
class Permit:
    """What holds for a tool from now on, in all conversations."""

    tool: ToolName
    permission: Permission
    do: Literal["permit"] = "permit"


@dataclass(frozen=True, slots=True)
class RestartServer:
    server: ServerName
    do: Literal["restart-server"] = "restart-server"


@dataclass(frozen=True, slots=True)
class ApproveServer:
    """`seen` stands for what the operator has read: nothing else is approved."""

    server: ServerName
    seen: Annotated[str, StringConstraints(max_length=200)]
    do: Literal["approve-server"] = "approve-server"


ToolOrder = Permit | RestartServer | ApproveServer


async def carry_out(assistant: Assistant, owner: str, order: ToolOrder, *, operator: bool) -> None:
    if isinstance(order, Permit):
        await assistant.toolbox.permit(owner, order.tool, order.permission)
        return
    if not operator:
        raise Refused("Servers are for who runs this Parley.", "Ask them to do it.")
    match order:
        case RestartServer(server):
            assistant.toolbox.restart(server)
        case ApproveServer(server, seen):
            assistant.toolbox.approve(server, seen)
        case _:
            assert_never(order)

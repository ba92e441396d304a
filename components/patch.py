"""What a page must change to show a message as it is now: pure, and as short as the change."""

from dataclasses import dataclass, field

from components.render import Piece, article, draw
from exchange import Exchange
from messages import Message

Frame = dict[str, object]
_WORTH_CUTTING = 240
"""Characters of a piece from which on only its changed end is sent."""


@dataclass(slots=True)
class Drawn:
    """The turn that a page shows, as it was last sent: pieces by key, for each message id."""

    pieces: dict[str, dict[str, str]] = field(default_factory=dict)
    apart: set[tuple[str, str]] = field(default_factory=set)
    """Pieces that the page got on their own, so that a change can refer to their text."""
    messages: dict[str, Message] = field(default_factory=dict)

    def update(self, exchange: Exchange) -> list[Frame]:
        """Changes since the last call; a message that was not shown yet is sent whole."""
        changed = [self._change(message) for message in (exchange.said, exchange.reply)]
        return [frame for frame in changed if frame]

    def _change(self, message: Message) -> Frame:
        shown, self.messages[message.id] = self.messages.get(message.id), message
        if shown is message:
            return {}  # the question, while the reply grows
        pieces = draw(message)
        before = self.pieces.get(message.id, {})
        self.pieces[message.id] = {piece.key: piece.html for piece in pieces}
        if shown is None:
            return {"id": message.id, "article": article(message, pieces)}
        frame: Frame = {}
        if changed := [piece for piece in pieces if before.get(piece.key) != piece.html]:
            frame["set"] = {p.key: self._short(message.id, p, before) for p in changed}
        if list(before) != (keys := [piece.key for piece in pieces]):
            frame["keys"] = keys
        if shown.status != message.status:
            frame["status"] = message.status
        return {"id": message.id, **frame} if frame else {}

    def _short(self, message_id: str, piece: Piece, before: dict[str, str]) -> str | list[object]:
        name = (message_id, piece.key)
        if name in self.apart:
            return cut(before.get(piece.key, ""), piece.html)
        self.apart.add(name)
        return piece.html


def cut(before: str, after: str) -> str | list[object]:
    """`after`, or [how much of `before` stays, what follows], counted as JavaScript counts."""
    if len(after) < _WORTH_CUTTING:
        return after
    low, high = 0, min(len(before), len(after))
    while low < high:
        middle = (low + high + 1) // 2
        if before[:middle] == after[:middle]:
            low = middle
        else:
            high = middle - 1
    kept = len(after[:low].encode("utf-16-le", "surrogatepass")) // 2
    return [kept, after[low:]]

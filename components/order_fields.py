"""What the fields of an order may hold."""

from typing import Annotated

from pydantic import StringConstraints

ConversationId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
MessageId = Annotated[str, StringConstraints(min_length=1, max_length=64)]
MemoryId = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]

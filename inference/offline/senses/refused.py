"""A request that a sense understood and will not serve."""


class Refused(Exception):
    """`status` is the HTTP status the person who asked shall see."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.message = message
        self.status = status

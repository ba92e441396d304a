"""What the house says no to, in words for the person who asked."""

EVERYWHERE = "0" * 32  # stands for all conversations where nothing else was decided


class Refused(Exception):
    """For the person who asked: `message` says what is wrong, `advice` what to do next."""

    def __init__(self, message: str, advice: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice


class NotFound(Refused):
    """Not there, or not yours: both answer alike."""

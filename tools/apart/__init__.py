"""Work on what strangers wrote, or that is heavy: in a process of its own, ended when it is late."""


class Cannot(Exception):
    """What a task will not do, in words for the model."""

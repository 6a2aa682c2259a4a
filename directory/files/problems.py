"""Files that cannot be taken, with a sentence for people."""


class Unreadable(ValueError):
    """A file cannot be read at all. `message` is a sentence for people, without its content."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

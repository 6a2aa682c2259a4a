"""What every place for files can do."""

from abc import ABC, abstractmethod
from collections.abc import Generator, Iterable
from types import TracebackType
from typing import Self


class Place(ABC):
    """A folder somewhere, for as long as the block. Paths lie within it, with slashes.

    Whatever goes wrong is raised as a DeliveryError. `changed`: something may lie there by now.
    """

    host: str  # for people
    changed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @abstractmethod
    def close(self) -> None:
        """End the connection."""

    @abstractmethod
    def check_folder(self) -> None:
        """Raise Misconfigured unless the folder is there."""

    @abstractmethod
    def size(self, path: str) -> int | None:
        """Return how long a file is; None where there is none."""

    @abstractmethod
    def read(self, path: str) -> Generator[bytes, None, None]:
        """Yield what is in a file; nothing where it may not be read."""

    @abstractmethod
    def write(self, path: str, blocks: Iterable[bytes], start: int) -> None:
        """Write blocks into a file, from `start` on; from 0, in the place of what was there."""

    @abstractmethod
    def rename(self, path: str, becomes: str) -> None:
        """Give a file its name, in the place of another that has it."""

    @abstractmethod
    def make_folder(self, path: str) -> None:
        """Make a folder, and those above it, where they are not there."""

    @abstractmethod
    def remove_folder(self, path: str) -> None:
        """Remove a folder with the files in it; one that is not there is removed."""

    @abstractmethod
    def names(self, path: str) -> list[str]:
        """Return the names of the files in a folder; none where it is not there."""

    @abstractmethod
    def remove(self, path: str) -> None:
        """Remove a file; one that is not there is removed."""

    def keep_alive(self) -> None:  # noqa: B027 - most need nothing
        """Let the connection be there when it is needed again."""

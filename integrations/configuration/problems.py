"""What is wrong with a configuration file, in plain words, and where."""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

Path = tuple[str | int, ...]  # ("triggers", 0, "listing")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong. The message quotes no secret."""

    path: Path
    message: str
    line: int | None = None

    def __str__(self) -> str:
        text = _("{place}: {message} (line {line})") if self.line else _("{place}: {message}")
        return text.format(place=dotted(self.path), message=self.message, line=self.line)


class ConfigurationError(Exception):
    """The file cannot be applied, and nothing of it was. `str()` has a line for each problem."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)


def dotted(path: Path) -> str:
    """Return the path as people write it: `triggers[0].listing`."""
    text = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path)
    return text.removeprefix(".") or _("file")


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return the end of a sentence that helps to fix a word that is not known."""
    known = list(known)
    if close := difflib.get_close_matches(word, known, n=1):
        return _("; did you mean “{word}”?").format(word=close[0])
    return _("; known: {words}").format(words=", ".join(known))

"""Rows pasted from a spreadsheet, as entries of a value table. Pure: no Django."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from mapping.engine.transforms import ANYTHING_ELSE

ENTRY_LENGTH = 255
HEADINGS = frozenset({"sent", "as sent", "from", "caredove", "in caredove"})  # of the first column


@dataclass(frozen=True, slots=True)
class Pasted:
    """What was understood: entries as (sent, value), and a sentence for each line left out."""

    entries: tuple[tuple[str, str], ...]
    problems: tuple[str, ...]

    def summary(self, existing: Mapping[str, str]) -> str:
        """Return in one sentence what the entries do to those that are there."""
        new = sum(sent not in existing for sent, _ in self.entries)
        changed = sum(existing.get(sent, value) != value for sent, value in self.entries)
        same = len(self.entries) - new - changed
        counts = [f"{new} new", f"{changed} changed", f"{same} the same"]
        rows = "1 row" if len(self.entries) == 1 else f"{len(self.entries)} rows"
        return f"{rows} understood: {', '.join(counts)}."


def pasted(text: str) -> Pasted:
    """Return what pasted text says: a row a line, its two columns with a tab between.

    A first line of headings is left out, and so are lines that cannot be an entry, and each is
    named; of a value that stands there twice the last counts.
    """
    entries: dict[str, str] = {}
    problems: list[str] = []
    for number, sent, value, problem in _lines(text):
        if problem:
            problems.append(f"Line {number} was left out: {problem}")
            continue
        if sent in entries:
            problems.append(f"Line {number} repeats “{sent}”; the last one counts.")
        entries[sent] = value
    return Pasted(tuple(entries.items()), tuple(problems))


def _lines(text: str) -> Iterator[tuple[int, str, str, str]]:
    for number, line in enumerate(text.splitlines(), start=1):
        columns = [column.strip().strip('"').strip() for column in line.split("\t")]
        while len(columns) > 2 and not columns[-1]:
            columns.pop()
        if not any(columns):
            continue
        sent, value = (*columns, "", "")[:2]
        headings = number == 1 and sent.casefold() in HEADINGS
        yield number, sent, value, "it has the headings." if headings else _problem(columns)


def _problem(columns: list[str]) -> str:
    if len(columns) != 2:
        return (
            "it needs two columns with a tab between."
            if len(columns) < 2
            else (f"it has {len(columns)} columns and needs two.")
        )
    if not columns[0]:
        return "the first column is empty."
    if columns[0] == ANYTHING_ELSE:
        return "write what stands for anything else into its own field."
    if max(map(len, columns)) > ENTRY_LENGTH:
        return f"it is longer than {ENTRY_LENGTH} characters."
    return ""

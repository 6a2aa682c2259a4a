"""Rows pasted from a spreadsheet, as entries of a value table. Pure: no Django."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from core.text.sentences import Term as _
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
        new = sum(sent not in existing for sent, _value in self.entries)
        changed = sum(existing.get(sent, value) != value for sent, value in self.entries)
        same = len(self.entries) - new - changed
        text = (
            _("1 row understood: {new} new, {changed} changed, {same} the same.")
            if len(self.entries) == 1
            else _("{rows} rows understood: {new} new, {changed} changed, {same} the same.")
        )
        return str(text).format(rows=len(self.entries), new=new, changed=changed, same=same)


def pasted(text: str) -> Pasted:
    """Return what pasted text says: a row a line, its two columns with a tab between.

    A first line of headings is left out, and so are lines that cannot be an entry, and each is
    named; of a value that stands there twice the last counts.
    """
    entries: dict[str, str] = {}
    problems: list[str] = []
    for number, sent, value, problem in _lines(text):
        if problem:
            text = str(_("Line {number} was left out: {problem}"))
            problems.append(text.format(number=number, problem=problem))
            continue
        if sent in entries:
            text = str(_("Line {number} repeats “{sent}”; the last one counts."))
            problems.append(text.format(number=number, sent=sent))
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
        yield (
            number,
            sent,
            value,
            str(_("it has the headings.")) if headings else _problem(columns),
        )


def _problem(columns: list[str]) -> str:
    if len(columns) < 2:
        return str(_("it needs two columns with a tab between."))
    if len(columns) > 2:
        return str(_("it has {count} columns and needs two.")).format(count=len(columns))
    if not columns[0]:
        return str(_("the first column is empty."))
    if columns[0] == ANYTHING_ELSE:
        return str(_("write what stands for anything else into its own field."))
    if max(map(len, columns)) > ENTRY_LENGTH:
        return str(_("it is longer than {count} characters.")).format(count=ENTRY_LENGTH)
    return ""

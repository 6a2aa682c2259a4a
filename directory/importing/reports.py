"""What became of an import: counts, problems, and what came besides."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from directory.models import Kind

FATES = ("read", "created", "updated", "unchanged", "withdrawn", "rejected")
MAX_PROBLEMS = 10_000  # of one report: who has more reads the first and sends the file again


class Severity(StrEnum):
    ERROR = "error"  # the entry or row is not taken
    WARNING = "warning"  # it is taken, with something left out or changed
    INFO = "info"  # it is taken as it came, and staff should know


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that could not be used as it came. The message has no content of the file."""

    message: str
    severity: Severity = Severity.WARNING
    file: str = ""
    line: int | None = None
    record: str = ""  # the table and the id as it came
    field: str = ""

    def as_dict(self) -> dict[str, Any]:
        return {
            "file": self.file,
            "line": self.line,
            "record": self.record,
            "field": self.field,
            "message": self.message,
            "severity": self.severity.value,
        }


@dataclass(slots=True)
class Report:
    """The report of an import, which `as_dict` gives in the form of the contract."""

    format: str = ""
    number: int | None = None
    counts: dict[str, Counter[str]] = field(
        default_factory=lambda: {kind: Counter() for kind in Kind.values}
    )
    problems: list[Problem] = field(default_factory=list)
    also_sent: Counter[str] = field(default_factory=Counter)
    left_out: int = 0  # problems beyond those listed
    changed_nothing: bool = False

    def count(self, kind: str, fate: str, number: int = 1) -> None:
        self.counts[kind][fate] += number

    def add(self, problem: Problem) -> None:
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(problem)
        else:
            self.left_out += 1

    def extend(self, problems: Iterable[Problem]) -> None:
        for problem in problems:
            self.add(problem)

    def merge(self, other: "Report") -> None:
        """Add what became of the rows of another language in the same file."""
        for kind, counter in other.counts.items():
            self.counts[kind].update(counter)
        self.extend(other.problems)
        self.also_sent.update(other.also_sent)
        self.left_out += other.left_out

    @property
    def exit_code(self) -> int:
        """Return 0 where all was taken, 3 where entries were rejected, 1 where nothing changed."""
        if self.changed_nothing:
            return 1
        return 3 if any(counter["rejected"] for counter in self.counts.values()) else 0

    def as_dict(self) -> dict[str, Any]:
        report = {
            "import": self.number,
            "format": self.format,
            "records": {
                kind: {fate: counter[fate] for fate in FATES}
                for kind, counter in self.counts.items()
            },
            "problems": [problem.as_dict() for problem in self.problems],
            "also_sent": dict(sorted(self.also_sent.items())),
        }
        return report | ({"problems_left_out": self.left_out} if self.left_out else {})

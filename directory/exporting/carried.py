"""What a file carries, and what its format has no place for."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Tally:
    """Counts of a file: rows by table; values that were left out, by HSDS 3.1 table and column."""

    rows: Counter[str] = field(default_factory=Counter)
    not_carried: Counter[str] = field(default_factory=Counter)

    def leave_out(self, table: str, column: str) -> None:
        self.not_carried[f"{table}.{column}"] += 1

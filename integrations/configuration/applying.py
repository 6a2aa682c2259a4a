"""Brings the database to what a configuration file says: all of it, or nothing."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import NoReturn

from django.db import DatabaseError, models, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from core.compare import Effect
from integrations.configuration.problems import ConfigurationError, Path, Problem
from integrations.configuration.reading import Tree
from integrations.configuration.rows import Refused, Report

# What the parts of a file are called.
SORTS = (
    gettext_noop("organization"),
    gettext_noop("listing"),
    gettext_noop("source"),
    gettext_noop("destination"),
    gettext_noop("mapping"),
    gettext_noop("trigger"),
    gettext_noop("credential"),
    gettext_noop("signing secret"),
)
Name = tuple[str, ...]  # ("listing", "4417")


class Run:
    """One application of a file: what was done, and what went wrong so far.

    `by` says who declares what the file declares.
    """

    def __init__(self, tree: Tree, environment: Mapping[str, str], by: str) -> None:
        self.tree = tree
        self.environment = environment
        self.by = by
        self.report = Report()
        self._problems: list[Problem] = []
        self._named: dict[Name, Path] = {}
        self._broken: set[Name] = set()

    def finish(self) -> Report:
        """Return what was done; raises ConfigurationError when anything went wrong."""
        if self._problems:
            raise ConfigurationError(sorted(self._problems, key=lambda one: one.line or 0))
        return self.report

    @contextmanager
    def part(self, path: Path, *name: str) -> Iterator[None]:
        """Gather what is wrong in one part of the file, so that the next part is tried too.

        `name` is how other parts speak of this one: its sort, and what tells it apart.
        """
        self._once(path, name)
        try:
            with transaction.atomic():
                yield
        except Refused as refused:
            self._note(path, name, refused)
        except DatabaseError:
            self._note(path, name, Refused(((), _("this contradicts what is in Dovetail already"))))

    def _once(self, path: Path, name: Name) -> None:
        first = self._named.setdefault(name, path)
        if first != path:
            text = _("{sort} “{name}” appears twice, first on line {line}").format(
                sort=_(name[0]), name=name[-1], line=self.tree.line(first)
            )
            self._note(path, name, Refused(((), text)))

    def _note(self, path: Path, name: Name, refused: Refused) -> None:
        self._broken.add(name)
        for key, message in refused.problems:
            where = (*path, *key)
            self._problems.append(Problem(where, message, self.tree.line(where)))

    def count(self, row: models.Model, effect: Effect) -> None:
        self.report.count(row, effect)

    def refuse_missing(self, key: Path, *name: str) -> NoReturn:
        """Refuse a part that speaks of another which is not there.

        Where that one is broken itself, nothing more is said about it.
        """
        if name in self._broken:
            raise Refused
        text = _("no {sort} “{name}” in this file or in Dovetail")
        raise Refused((key, text.format(sort=_(name[0]), name=name[-1])))

"""A marker in every column of one organization, and what all its rows hold."""

from collections.abc import Iterator
from itertools import count
from typing import Any

from django.apps import apps
from django.db import connection
from django.db.models import ForeignKey, Model, Q, QuerySet

from integrations.models import Organization
from referrals.models import Attempt, InboundEvent, Referral
from tests.access.test_hostile_text import columns_with_words, is_time
from tests.rows import write

MARK = "zqmark"
FARTHEST = 4  # foreign keys between a row and its organization
# Written by every request, or of people and not of organizations.
OF_EVERY_REQUEST = ("core.AuditEvent", "sessions.Session", "admin.LogEntry")


def paths(model: type[Model], depth: int = FARTHEST) -> Iterator[str]:
    """Yield each path of foreign keys from a model to the organization of its rows."""
    if model is Organization:
        yield "pk"
        return
    for field in model._meta.concrete_fields if depth else ():
        if isinstance(field, ForeignKey) and field.related_model is not model:
            for rest in paths(field.related_model, depth - 1):
                yield field.name if rest == "pk" else f"{field.name}__{rest}"


def rows_of_all_models(organization: Organization) -> Iterator[QuerySet[Any]]:
    """Yield, of each model, the rows that belong to an organization, by any path."""
    for model in apps.get_models(include_auto_created=True):
        if model._meta.proxy or model._meta.label in OF_EVERY_REQUEST:
            continue
        belongs = Q()
        for path in paths(model):
            belongs |= Q(**{path: organization.pk})
        if belongs:
            yield model._base_manager.filter(belongs).order_by("pk").distinct()


class Watched:
    """The rows of an organization, and whether they are still as they were."""

    def __init__(self, organization: Organization) -> None:
        self._questions = [
            (rows.model._meta.label, rows.query.sql_with_params())
            for rows in rows_of_all_models(organization)
        ]
        self._before = self._read()
        assert sum(map(len, self._before.values())) > 30, "Plant more in tests/seeds.py."

    def changed(self) -> list[str]:
        """Return the models with a row that is new, changed, or gone."""
        now = self._read()
        return [label for label, rows in self._before.items() if now[label] != rows]

    def _read(self) -> dict[str, list[Any]]:
        found = {}
        for label, question in self._questions:
            with connection.cursor() as cursor:
                cursor.execute(*question)
                found[label] = cursor.fetchall()
        return found


def mark(organization: Organization) -> dict[str, str]:
    """Write a marker into every column with words; return which column each stands for."""
    numbers, stands_for = count(), {}

    def new(name: str) -> str:
        stands_for[marker := f"{MARK}{next(numbers)}x"] = name
        return marker

    belonging = {rows.model: rows for rows in rows_of_all_models(organization)}
    for model, field in columns_with_words():
        for row in _filled(belonging.get(model), field):
            write(model._base_manager.filter(pk=row.pk), **{field.name: new(str(field))})
    for referral in belonging[Referral]:
        snapshot = {
            path: [at, _marked(value, new("snapshot")), *rest]
            for path, (at, value, *rest) in referral.snapshot.items()
        }
        write(Referral.objects.filter(pk=referral.pk), snapshot=snapshot)
    for attempt in belonging[Attempt]:
        write(Attempt.objects.filter(pk=attempt.pk), headers={new("header"): new("header")})
    for event in belonging[InboundEvent]:
        body = f'"{new("body")}"'.encode()
        write(InboundEvent.objects.filter(pk=event.pk), warnings=[new("warning")], body=body)
    return stands_for


def _filled(rows: QuerySet[Any] | None, field: Any) -> QuerySet[Any] | tuple[()]:
    return () if rows is None else rows.exclude(**{f"{field.name}__isnull": True}).only("pk")


def _marked(value: Any, marker: str) -> Any:
    if isinstance(value, dict):
        return {key: _marked(part, marker) for key, part in value.items()}
    if isinstance(value, list):
        return [_marked(part, marker) for part in value]
    return f"{marker} {value}" if isinstance(value, str) and not is_time(value) else value

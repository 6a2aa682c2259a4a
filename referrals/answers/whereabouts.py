"""Where a person's data has gone: what left, where to, when, which version and which fields.

It holds no personal data: references, ids, times, and the names of fields. So it stays known after
the person's data was deleted here.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core import audit
from core.models import AuditEvent
from integrations.models import Destination
from integrations.transport import ATTACHMENT, SUMMARY
from integrations.triggers import labels_of
from mapping.source import catalogue
from referrals.delivering.settling import MAY_HAVE_SENT, SENT
from referrals.models import Delivery, Referral, Step, Version

State, Action = Version.State, Version.Action
EVERYTHING, NOTHING = _("Everything"), _("Nothing but the reference")
REMOVED = _("Removed there")
REMOVING = _("To be removed there, not confirmed yet")
LOOK = _("Still there: remove it by hand")
PERHAPS = _("May be there")
THERE = _("There")
OLDER = _("A newer version was sent")
CHANGED = _("The referral changed")
COLUMNS = (
    _("Reference"),
    _("Destination"),
    _("Version"),
    _("What"),
    _("Why"),
    _("Sent"),
    _("Accepted"),
    _("Recipients"),
    _("Fields"),
    _("Files"),
    _("ID there"),
    _("Is it there now?"),
)
BATCH = 500


@dataclass(frozen=True, slots=True)
class Left:
    """One version that left, or may have left."""

    version: Version
    why: str
    sent_at: datetime
    accepted_at: datetime | None
    recipients: str
    fields: str
    files: str
    id_there: str
    now: str
    is_newest: bool  # of those that left to its destination

    def cells(self) -> tuple[str, ...]:
        """Return its row of an export, in the order of COLUMNS."""
        delivery = self.version.delivery
        return (
            delivery.reference,
            str(delivery.destination),
            str(self.version.number),
            self.version.get_action_display(),
            self.why,
            self.sent_at.isoformat(timespec="seconds"),
            self.accepted_at.isoformat(timespec="seconds") if self.accepted_at else "",
            self.recipients,
            self.fields,
            self.files,
            self.id_there,
            self.now,
        )


def of_referral(referral: Referral) -> list[Left]:
    """Return what left of a referral and of all that became part of it, the newest first."""
    whole = Q(delivery__referral=referral) | Q(delivery__referral__merged_into=referral)
    return _rows(_left().filter(whole))


def newest_of_destination(destination: Destination, most: int) -> list[Left]:
    """Return what left last to a destination, the newest first."""
    return _rows(_left().filter(delivery__destination=destination)[:most])


def of_destination(destination: Destination) -> Iterator[Left]:
    """Yield all that left to a destination, the newest first; a batch of it in memory."""
    keys = _left().filter(delivery__destination=destination).values_list("pk", flat=True)
    batch: list[Any] = []
    for key in keys.iterator(BATCH):
        batch.append(key)
        if len(batch) == BATCH:
            yield from _rows(_left().filter(pk__in=batch))
            batch = []
    yield from _rows(_left().filter(pk__in=batch))


def _left() -> QuerySet[Version]:
    """Return the versions that are, or may be, at their destination."""
    begun = Exists(Step.objects.filter(version=OuterRef("pk")))
    in_a_run = Q(run__intended_at__isnull=False)
    gone = begun | in_a_run | Q(sent_at__isnull=False) | Q(state=State.ACCEPTED)
    return Version.objects.filter(gone).order_by("-asked_at", "-number", "pk")


def _rows(versions: QuerySet[Version]) -> list[Left]:
    related = ("delivery__destination", "delivery__referral", "run")
    rows = versions.defer(None).defer("document", "delivery__referral__snapshot")
    found = list(rows.select_related(*related).prefetch_related("steps"))
    newest = _newest(version.delivery for version in found)
    audited = _audited({str(version.delivery_id) for version in found})
    return [_row(version, newest, audited) for version in found]


def _audited(deliveries: Collection[str]) -> dict[tuple[str, int], Mapping[str, Any]]:
    """Return what the audit trail has of each version, by its delivery and number: who got it."""
    sent = AuditEvent.objects.filter(
        object_type__in=audit.names_of(Delivery),
        object_id__in=deliveries,
        action__in=[SENT, MAY_HAVE_SENT],
        detail__has_key="recipients",
    )
    return {
        (event.object_id, event.detail["version"]): event.detail for event in sent.order_by("pk")
    }


def _newest(deliveries: Iterable[Delivery]) -> dict[Any, int]:
    """Return the number of the newest version of each delivery that left."""
    rows = _left().filter(delivery__in={delivery.pk for delivery in deliveries})
    return dict(rows.order_by("number").values_list("delivery", "number"))  # the last one stays


def _row(
    version: Version,
    newest: dict[Any, int],
    audited: Mapping[tuple[str, int], Mapping[str, Any]],
) -> Left:
    steps = list(version.steps.all())
    mail = audited.get((str(version.delivery_id), version.number), {})
    is_newest = newest.get(version.delivery_id) == version.number
    return Left(
        version,
        why_in_words(version),
        _sent_at(version, steps),
        _accepted_at(version, steps),
        ", ".join(mail.get("recipients", [])),
        "" if version.action == Action.REMOVE else fields_in_words(version.allowed_fields),
        _files([*_categories(version, steps), *mail.get("files", [])]),
        _id_there(version, steps),
        _now(version, is_newest=is_newest),
        is_newest,
    )


def why_in_words(version: Version) -> str:
    """Say why a version was made: its triggers, or what else asked for it."""
    if version.why == Version.Why.TRIGGER and not version.triggers:
        return str(CHANGED)  # a kind that keeps the latest takes every change
    return labels_of(version.triggers) or version.get_why_display()


def _sent_at(version: Version, steps: Sequence[Step]) -> datetime:
    if version.sent_at:
        return version.sent_at
    if version.run and version.run.intended_at:
        return version.run.intended_at
    return min((step.intended_at for step in steps), default=version.asked_at)


def _accepted_at(version: Version, steps: Sequence[Step]) -> datetime | None:
    if version.state != State.ACCEPTED:
        return None
    if version.run:
        return version.run.ended_at
    return min((step.done_at for step in steps if step.done_at), default=None)


def fields_in_words(names: Sequence[str] | None) -> str:
    """Return an allow-list for people."""
    if names is None:
        return str(EVERYTHING)
    return ", ".join(map(_label, names)) or str(NOTHING)


def _label(name: str) -> str:
    field = catalogue.find(name)
    return f"{field.group}: {field.label}" if field else name.replace("_", " ").capitalize()


def _id_there(version: Version, steps: Sequence[Step]) -> str:
    """Return under which id it is there: of what went in a run, the name of its list."""
    if version.run and version.run.name:
        return version.run.name
    own = (one.external_id for one in steps if one.external_id and not _category(one))
    return next(own, "") or version.delivery.external_id or ""


def _categories(version: Version, steps: Sequence[Step]) -> list[str]:
    """Return the category of each file that went with a version, as far as it is known."""
    data: dict[str, Any] = version.data or {}
    if files := data.get("files"):
        return [file["category"] for file in files]
    return list(filter(None, map(_category, steps)))


def _category(step: Step) -> str:
    """Return the category of the file that a step sent; empty where it sent something else."""
    if step.name.startswith(f"{ATTACHMENT}:"):
        return ATTACHMENT
    return SUMMARY if step.name == "summary" else ""


def _files(kinds: Sequence[str]) -> str:
    """Say which files went with it, by their kinds: names could tell."""
    summary = [gettext("Summary")] if SUMMARY in kinds else []
    attached = kinds.count(ATTACHMENT)
    words = gettext("{count} attached").format(count=attached)
    return ", ".join(summary + ([words] if attached else []))


def _now(version: Version, *, is_newest: bool) -> str:
    """Say whether the referral is at the destination now, as far as that is known here."""
    delivery = version.delivery
    if version.action == Action.REMOVE:
        return str(REMOVED if version.state == State.ACCEPTED else REMOVING)
    if not is_newest:
        return str(OLDER)
    if delivery.referral.is_revoked:
        removes = delivery.destination.transport().removes
        return str(REMOVING if removes else LOOK)
    return str(THERE if delivery.external_id else PERHAPS)

"""Referrals as a list, for a person who asks for it: the formats of a destination for files."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from django.db.models import QuerySet

from core.spool import Spool
from integrations import destinations
from integrations.exports.columns import Columns
from integrations.exports.formats import About, format_named
from integrations.exports.rows import Row, row_of
from integrations.models import Organization
from integrations.transport import Ledger, Parcel, Targets
from mapping.engine import engine
from mapping.models import Mapping
from referrals.models import Referral
from referrals.record.documents import document_of

CHUNK = 500  # referrals
STATES = ("submitted", "booked", "closed")


@dataclass(frozen=True, slots=True)
class Choice:
    """Which referrals: those received in `[start, end)`, of one listing, in one state."""

    organization: Organization
    listing: str = ""  # Caredove id
    start: datetime | None = None
    end: datetime | None = None
    state: str = ""  # one of STATES


def write(
    choice: Choice, format_name: str, into: Spool, *, safe_for_spreadsheets: bool = False
) -> int:
    """Write a list of what is chosen, with all fields; return how many rows it has."""
    listed = Listed(choice, format_name, safe_for_spreadsheets=safe_for_spreadsheets)
    for piece in listed.pieces():
        into.write(piece)
    return listed.rows


class Listed:
    """A list of what is chosen, with all fields, on its way.

    `seen` is called with how many referrals were looked at, after each of them.
    """

    def __init__(
        self,
        choice: Choice,
        format_name: str,
        *,
        safe_for_spreadsheets: bool = False,
        seen: Callable[[int], object] = lambda count: None,
    ) -> None:
        self._choice, self._seen = choice, seen
        # The kind of destination whose mapping names the columns of a list.
        kinds = destinations.kinds().items()
        kind = next(name for name, one in kinds if one.targets is Targets.BY_HEADING)
        shipped = Mapping.objects.filter(name="default", organization__isnull=True)
        mapping = shipped.get(destination_kind=kind)
        transport = destinations.transport_class(kind)
        self._rules = mapping.engine_rules()
        rest = [field.key for field in transport.target_fields if field.takes_rest]
        targets = dict.fromkeys([*(rule.target for rule in self._rules), *rest])
        self._context = engine.Context(
            time_zone=choice.organization.zone,
            value_tables=mapping.engine_tables(),
            targets=transport.target_fields,
            is_open=transport.targets.own,
        )
        about = About("", choice.start, choice.end)
        columns = Columns(fields=list(targets))
        self._format = format_named(format_name, columns, about, safe=safe_for_spreadsheets)

    @property
    def rows(self) -> int:
        """How many rows it has so far."""
        return self._format.count

    def pieces(self) -> Iterator[bytes]:
        """Yield the whole list; some pieces may be empty."""
        return self._format.pieces(self._read())

    def _read(self) -> Iterator[Row]:
        for count, referral in enumerate(chosen(self._choice).iterator(CHUNK), start=1):
            self._seen(count)
            document = document_of(referral)
            if self._choice.state and document.get("status") != self._choice.state:
                continue  # it is encrypted, so the database cannot choose by it
            record = engine.apply(self._rules, document, self._context).record
            none = cast(Ledger, None)  # nothing is sent
            yield row_of(
                Parcel(
                    referral.reference,
                    record,
                    (),
                    none,
                    shown=document,
                    made_at=referral.changed_at,
                )
            )


def chosen(choice: Choice) -> QuerySet[Referral]:
    """Return the referrals to look at: those chosen, in whatever state."""
    ours = Referral.objects.filter(
        organization=choice.organization, purged_at=None, merged_into=None
    ).select_related("organization", "listing")
    if choice.listing:
        ours = ours.filter(listing__caredove_id=choice.listing)
    if choice.start:
        ours = ours.filter(created_at__gte=choice.start)
    if choice.end:
        ours = ours.filter(created_at__lt=choice.end)
    return ours.order_by("created_at", "pk")

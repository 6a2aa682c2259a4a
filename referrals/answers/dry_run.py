"""What a trigger config, saved or not, would have done with the events of the last weeks.

Nothing is changed. Which triggers an event fires was found out when it was opened (`matching`), and
does not depend on any trigger config: what remains is which of them are chosen, by the function
that opening itself uses, and what the mapping makes of the referral as it is known now.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from integrations.models import ServiceListing, TriggerConfig
from mapping.engine import engine
from mapping.engine.targets import takes_any, target_fields
from mapping.source.document import Document
from referrals import gates, matching
from referrals.models import InboundEvent, Referral
from referrals.record import snapshot
from referrals.record.documents import document_of
from referrals.record.removal import withdrawal

PERIOD = timedelta(days=30)
AT_ONCE = 250  # referrals of one step: about a second
LISTED = 200  # rows that are kept for the list


class Fate(StrEnum):
    """What would have become of a referral; pages carry it, and show its `label`."""

    IMPORTED = _("Would be imported")
    WAITING = _("Would wait for details")
    REFUSED = _("Would be refused: a required field is empty")
    BROKEN = _("Would be stopped: the mapping does not work")
    NOT_MATCHED = _("Not imported: no chosen trigger")
    DELETED = _("Deleted since")

    @property
    def label(self) -> str:
        return gettext(self.value)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The fate of one referral, and why in a few words without personal data."""

    fate: Fate
    why: str = ""


Read = Callable[[Referral], Document]


@dataclass(frozen=True, slots=True)
class Row:
    """One referral: what the choice would have done, and what the saved config would."""

    referral: str  # its key
    reference: str
    at: datetime  # of its last event in the period
    then: Verdict
    now: Verdict

    @property
    def differs(self) -> bool:
        return self.then.fate != self.now.fate


@dataclass(slots=True)
class Tally:
    """How far a dry run is. Made of JSON values, so that it can wait in a page.

    `events` and `referrals` are all of the period, `looked_at` those referrals that are counted
    so far, the newest first. `rows` are some of them: those come first for which the choice
    changes something.
    """

    since: datetime
    until: datetime
    events: int
    referrals: int
    looked_at: int = 0
    last: tuple[datetime, str] | None = None  # time and key of the last referral looked at
    then: dict[Fate, int] = field(default_factory=dict)
    now: dict[Fate, int] = field(default_factory=dict)
    reasons: list[tuple[Fate, str, int]] = field(default_factory=list)
    differences: int = 0
    rows: list[Row] = field(default_factory=list)

    @property
    def done(self) -> bool:
        return self.looked_at >= self.referrals

    def counts(self) -> list[tuple[Fate, int, int]]:
        """Return each fate with how many have it by the choice, and by the saved config."""
        return [(fate, self.then.get(fate, 0), self.now.get(fate, 0)) for fate in Fate]

    def add(self, rows: Sequence[Row]) -> None:
        """Count these referrals, too."""
        reasons = {(fate, why): count for fate, why, count in self.reasons}
        for row in rows:
            self.then[row.then.fate] = self.then.get(row.then.fate, 0) + 1
            self.now[row.now.fate] = self.now.get(row.now.fate, 0) + 1
            self.differences += row.differs
            if row.then.why:
                key = row.then.fate, row.then.why
                reasons[key] = reasons.get(key, 0) + 1
        by_count = sorted(reasons.items(), key=lambda item: -item[1])
        self.reasons = [(fate, why, count) for (fate, why), count in by_count]
        self.rows = sorted([*self.rows, *rows], key=lambda row: not row.differs)[:LISTED]


def begin(listing: ServiceListing, now: datetime) -> Tally:
    """Return a tally of the `PERIOD` before `now` that has counted nothing yet."""
    since = now - PERIOD
    found = referrals_of(listing, since, now)
    return Tally(since, now, _events(found, since, now).count(), found.count())


def go_on(
    tally: Tally, choice: TriggerConfig, saved: TriggerConfig | None, read: Read = document_of
) -> None:
    """Count the next referrals: what the choice would have done, beside the saved config.

    As if it had been so from the beginning of the period, with nothing imported before. `read`
    returns what is mapped of a referral: for those who may not see people, a masked copy. Whether
    a field stays empty could be made to tell, word by word, what a person's data are.
    """
    found = referrals_of(choice.listing, tally.since, tally.until)
    if tally.last:
        at, key = tally.last
        found = found.filter(Q(created_at__lt=at) | Q(created_at=at, pk__lt=key))
    batch = list(found.order_by("-created_at", "-pk")[:AT_ONCE])
    text = _reported(batch, _events(found, tally.since, tally.until))
    tally.add(list(_rows(batch, text, choice, saved, read)))
    tally.looked_at += len(batch)
    if batch:
        tally.last = batch[-1].created_at, str(batch[-1].pk)
    else:
        tally.looked_at = tally.referrals  # some have gone meanwhile


def referrals_of(listing: ServiceListing, since: datetime, until: datetime) -> QuerySet[Referral]:
    """Return the referrals for a listing that have had an event between the two moments.

    Those too that came before the listing was set up here.
    """
    recent = InboundEvent.objects.filter(
        referral=OuterRef("pk"), received_at__gte=since, received_at__lt=until
    )
    return Referral.objects.filter(
        for_listing(listing), Exists(recent), merged_into=None
    ).select_related("listing", "organization")


def for_listing(listing: ServiceListing) -> Q:
    """Return the condition on a referral: it is for this listing, which may be newer than it.

    Of those that are older, only what its own organization got: anybody can claim an id.
    """
    older = Q(listing=None, listing_caredove_id=listing.caredove_id)
    return Q(listing=listing) | older & Q(organization=listing.organization_id)


def _events(
    found: QuerySet[Referral], since: datetime, until: datetime
) -> "QuerySet[InboundEvent]":
    return InboundEvent.objects.filter(
        referral__in=found.order_by().values("pk"),
        received_at__gte=since,
        received_at__lt=until,
        state=InboundEvent.State.OPENED,
    )


@dataclass(slots=True)
class _Reported:
    """What the events of one referral fired, in their order, and when the last one came."""

    at: datetime
    fired: list[str] = field(default_factory=list)


def _reported(
    referrals: Sequence[Referral], events: "QuerySet[InboundEvent]"
) -> dict[object, _Reported]:
    entry: dict[object, _Reported] = {}
    ours = events.filter(referral__in=[referral.pk for referral in referrals])
    values = ours.order_by("received_at").values_list("referral", "received_at", "triggers")
    for referral, received_at, triggers in values:
        one = entry.setdefault(referral, _Reported(received_at))
        one.at = received_at
        one.fired += triggers
    return entry


def _rows(
    referrals: Sequence[Referral],
    reported: dict[object, _Reported],
    choice: TriggerConfig,
    saved: TriggerConfig | None,
    read: Read,
) -> Iterator[Row]:
    by_choice = _Judge(choice)
    configs = [saved] if saved else []
    off = gates.first_shut(
        gates.Facts(listing=choice.listing, configs=configs),
        gates.NOT_CONNECTED,
        gates.SWITCHED_OFF,
    )
    by_saved = _Judge(saved) if saved and not off else None
    for referral in referrals:
        events = reported.get(referral.pk, _Reported(referral.changed_at))
        document = read(referral)
        yield Row(
            str(referral.pk),
            referral.reference,
            events.at,
            by_choice.verdict(referral, document, events.fired),
            by_saved.verdict(referral, document, events.fired) if by_saved else _verdict(off),
        )


FATES = {
    gates.NOT_CONNECTED.key: Fate.NOT_MATCHED,
    gates.SWITCHED_OFF.key: Fate.NOT_MATCHED,
    gates.ROUTED.key: Fate.NOT_MATCHED,
    gates.NO_TRIGGER.key: Fate.NOT_MATCHED,
    gates.REVOKED.key: Fate.DELETED,
    gates.EXPIRED.key: Fate.DELETED,
    gates.WITHDRAWN.key: Fate.WAITING,
    gates.WAITING.key: Fate.WAITING,
    gates.MAPPING_ERROR.key: Fate.BROKEN,
    gates.LEFT_EMPTY.key: Fate.REFUSED,
}
BEFORE_MAPPING = (
    gates.REVOKED,
    gates.EXPIRED,
    gates.ROUTED,
    gates.NO_TRIGGER,
    gates.WITHDRAWN,
    gates.WAITING,
)


class _Judge:
    """Knows one trigger config with its mapping, read once."""

    def __init__(self, config: TriggerConfig) -> None:
        self.config = config

    def verdict(self, referral: Referral, document: Document, fired: Sequence[str]) -> Verdict:
        facts = gates.Facts(
            listing=self.config.listing,
            config=self.config,
            referral=referral,
            fired=fired,
            is_routed=matching.is_routed(document),
            withdrawn=withdrawal.request_withdrawn(document),
            names_somebody=snapshot.has_details(document),
        )
        shut = gates.first_shut(facts, *BEFORE_MAPPING)
        return _verdict(shut or self._unmapped(facts, document))

    def _unmapped(self, facts: gates.Facts, document: Document) -> gates.Shut | None:
        """Return why the mapping makes nothing that the destination would take, or None."""
        if broken := gates.MAPPING_ERROR.shut(replace(facts, faults=self._faults)):
            return broken
        record = engine.apply(self._rules, document, self._context).record
        required = [target for target in self._context.targets if target.required]
        empty = [target.label for target in required if target.key not in record]
        return gates.LEFT_EMPTY.shut(replace(facts, empty=empty))

    @cached_property
    def _rules(self) -> tuple[engine.Rule, ...]:
        return self.config.mapping.engine_rules()

    @cached_property
    def _context(self) -> engine.Context:
        return engine.Context(
            time_zone=self.config.destination.organization.zone,
            value_tables=self.config.mapping.engine_tables(),
            targets=target_fields(self.config.destination.kind),
            is_open=takes_any(self.config.destination.kind),
            allowed=self.config.destination.allow_list(),
        )

    @cached_property
    def _faults(self) -> list[str]:
        """What keeps the mapping from running; empty when nothing does."""
        return [str(error) for error in engine.errors(self._rules, self._context)]


def _verdict(shut: gates.Shut | None) -> Verdict:
    # It waits in a page as JSON, which knows texts alone.
    return Verdict(FATES[shut.gate.key], str(shut.sentence)) if shut else Verdict(Fate.IMPORTED)

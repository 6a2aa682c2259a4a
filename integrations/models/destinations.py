"""Destinations: kind and options, how each stands, and what it can do."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from core.database import clock
from core.database.rows import KeyedHistory, KeyedModel, update_one
from core.fields import EncryptedJSONField, EncryptedSentenceField
from core.timing import schedule
from integrations import capabilities, destinations, sentences
from integrations.capabilities import (
    PROVED_BY_READING,
    Capability,
    Finding,
    Record,
    Shown,
    Standing,
)
from integrations.hooks import destination_released, destination_tested
from integrations.models.organizations import Organization
from integrations.models.validators import all_fields, check_allowed_fields, check_allowed_files
from integrations.transport import ATTACHMENT, Misconfigured, Transport
from mapping.source.allowing import AllowList

# How a destination stands, beside how it is set up.
STANDING = [
    "paused_at",
    "paused_reason",
    "paused_by",
    "probe_at",
    "probes",
    "failures",
    "paused_until",
    "paused_code",
    "turn_at",
    "checked_at",
    "capabilities",
    "search_of",
    "search_next_at",
    "runs_at",
    "columns",
]
PROOF_TIME = timedelta(minutes=5)  # a proof that has not ended by then was lost with its worker
ASK_SEARCH_AGAIN = timedelta(days=1)
MOST = 10_000  # of a limit
PROBE_AT_LEAST = timedelta(minutes=15)


def probe_delay(probes: int) -> timedelta:
    """Return how long after so many probes in vain the next one is due."""
    schedule = settings.RETRY_SCHEDULE
    delay: timedelta = schedule[min(probes, len(schedule) - 1)]
    return min(delay, PROBE_AT_LEAST)


class Destination(KeyedModel):
    """Where referrals of one organization go: a kind, its options, and whether it is paused.

    It is paused from `paused_at` on: until somebody fixes the connection, or, with a `probe_at`,
    until it can be reached again, which is found out by probes. Beside that, `integrations.pacing`
    pauses it until `paused_until` when it has failed several referrals in a row, and keeps to its
    limits.
    """

    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="destinations"
    )
    name = models.CharField(max_length=100)
    kind = models.CharField(max_length=50)
    options = EncryptedJSONField(default=dict, blank=True)
    batches = models.BooleanField(
        default=False,
        editable=False,
        help_text=_(
            "By its options: what is due travels together. Kept, for rows are chosen by it."
        ),
    )
    schedule = models.CharField(
        max_length=200,
        blank=True,
        editable=False,
        help_text=_("When its runs begin (core.timing.schedule). Empty: when one is due."),
    )
    runs_at = models.DateTimeField(
        null=True, editable=False, help_text=_("Of one with a schedule: when the next run begins.")
    )
    columns = models.JSONField(
        default=list, editable=False, help_text=_("Of the lists written there, in their order.")
    )
    at_once = models.PositiveSmallIntegerField(
        _("at the same time"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(MOST)],
        help_text=_("At most so many deliveries. Empty: no limit."),
    )
    per_minute = models.PositiveSmallIntegerField(
        _("per minute"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(MOST)],
        help_text=_("At most so many deliveries. Empty: no limit."),
    )
    allowed_fields = models.JSONField(
        default=all_fields,
        blank=True,
        validators=[check_allowed_fields],
        help_text=_("Only these fields and groups leave, in whatever form. Empty: none."),
    )
    allowed_files = models.JSONField(
        null=True,
        blank=True,
        validators=[check_allowed_files],
        help_text=_("Only files of these categories leave. Null: what is usual for the kind."),
    )
    turn_at = models.DateTimeField(
        null=True, editable=False, help_text=_("Of one with limits: when the next delivery may go.")
    )
    failures = models.PositiveIntegerField(
        default=0, editable=False, help_text=_("Referrals in a row that it has failed.")
    )
    paused_until = models.DateTimeField(
        null=True,
        editable=False,
        help_text=_("When one delivery is let through to see if it works."),
    )
    paused_code = models.CharField(
        max_length=40, blank=True, editable=False, help_text=_("What it answered then.")
    )
    paused_at = models.DateTimeField(null=True, blank=True, editable=False)
    paused_reason = EncryptedSentenceField(
        null=True,
        blank=True,
        editable=False,
        # What is stored is bound to the name that the column had.
        context="integrations.destination.held_reason",
    )
    paused_by = models.CharField(
        max_length=64,
        blank=True,
        editable=False,
        help_text=_("Reference of the referral whose answer paused it."),
    )
    probe_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text=_("When to see whether it can be reached.")
    )
    probes = models.PositiveIntegerField(default=0, editable=False)
    checked_at = models.DateTimeField(null=True, blank=True, editable=False)
    capabilities = models.JSONField(
        default=dict,
        editable=False,
        help_text=_("What is proved or declared of it: integrations.capabilities."),
    )
    search_of = models.CharField(
        max_length=64,
        blank=True,
        editable=False,
        help_text=_("Hash of the options that the search was last asked with."),
    )
    search_next_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text=_("Not asked anew before; none: at once.")
    )
    history = KeyedHistory(excluded_fields=[*STANDING, "batches", "schedule"])

    class Meta:
        ordering = ["organization__name", "name"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "name"], name="destination_name_once_in_organization"
            ),
            models.CheckConstraint(
                condition=Q(paused_at__isnull=True) | Q(paused_reason__isnull=False),
                name="paused_destination_has_a_reason",
            ),
            models.CheckConstraint(
                condition=Q(probe_at__isnull=True) | Q(paused_at__isnull=False),
                name="only_a_paused_destination_is_probed",
            ),
        ]
        indexes = [
            models.Index(
                fields=["probe_at"],
                condition=Q(probe_at__isnull=False),
                name="destinations_to_probe",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save the configuration; how it stands changes by the named updates below alone."""
        if not self._state.adding and kwargs.get("update_fields") is None:
            names = {field.name for field in self._meta.local_concrete_fields}
            kwargs["update_fields"] = names - {"id", *STANDING}
        before = self.schedule
        if self.kind in destinations.names():
            transport = destinations.transport_class(self.kind)(self.options)
            self.batches, self.schedule = transport.batches, transport.schedule
        super().save(*args, **kwargs)
        if self.schedule != before:
            runs_at = self.next_run_after(clock.now())
            update_one(Destination.objects.all(), self, schedule=self.schedule, runs_at=runs_at)

    def clean(self) -> None:
        if self.kind not in destinations.names():
            known = ", ".join(destinations.names())
            raise ValidationError({"kind": f"“{self.kind}” is not a kind. Known: {known}."})
        connected = self.trigger_configs.filter(enabled=True) if self.pk else None
        if connected is not None and not self.transport().by_trigger and connected.exists():
            raise ValidationError(
                _(
                    "Listings are connected to this destination, and with these options referrals "
                    "can be sent to it by hand only. Disconnect them first."
                )
            )

    def next_run_after(self, at: datetime) -> datetime | None:
        """Return when a run begins by the schedule; None where there is none."""
        zone = self.organization.zone
        return schedule.read(self.schedule).after(at, zone) if self.schedule else None

    def transport(self) -> Transport:
        """Return the transport of this kind, set up with these options."""
        options: dict[str, Any] = self.options
        transport = destinations.transport_class(self.kind)(options, self.findings())
        transport.destination_id = str(self.pk or "")
        return transport

    @property
    def is_answered(self) -> bool:
        """Whether a partner may read what was sent here, and answer it."""
        return self._declares("answered")

    @property
    def is_comparable(self) -> bool:
        """Whether what is there can be read, compared with what was written, and put right."""
        return self._declares("comparable")

    def _declares(self, attribute: str) -> bool:
        try:
            return bool(getattr(destinations.transport_class(self.kind), attribute))
        except destinations.UnknownKind:
            return False

    def files_allowed(self) -> list[str]:
        """Return the categories of the files that may leave."""
        if self.allowed_files is not None:
            return list(self.allowed_files)
        return list(destinations.transport_class(self.kind).usual_files)

    def allow_list(self) -> AllowList:
        """Return which fields of a referral may leave to it."""
        return AllowList(tuple(self.allowed_fields), ATTACHMENT in self.files_allowed())

    # -- paused ------------------------------------------------------------------------------

    @property
    def is_down(self) -> bool:
        """Whether it is paused because it cannot be reached, and comes back by itself."""
        return self.probe_at is not None

    @property
    def paused(self) -> str:
        """Say since when, and why, nothing is sent; empty when it is open. For those who read it.

        A destination's own words may be in it.
        """
        if self.paused_at is None:
            return ""
        if not self.is_down:
            return sentences.PAUSED(destination=self, why=self.paused_reason)
        since = self._moment(self.paused_at)
        return sentences.UNREACHABLE(destination=self, since=since, why=self.paused_reason)

    @property
    def recovering(self) -> str:
        """Say until when nothing is sent because it has failed; empty while it works."""
        if self.paused_until is None:
            return ""
        known = {
            "destination": self,
            "failures": self.failures,
            "until": self._moment(self.paused_until),
        }
        if self.paused_code:
            return sentences.RECOVERING_AFTER(**known, code=self.paused_code)
        return sentences.RECOVERING(**known)

    def _moment(self, at: datetime) -> str:
        """Return a time for people of the organization: with its day, unless that is today."""
        at = at.astimezone(self.organization.zone)
        is_today = at.date() == timezone.now().astimezone(at.tzinfo).date()
        return date_format(at, "TIME_FORMAT" if is_today else "DATETIME_FORMAT")

    @property
    def limits(self) -> str:
        """Say how much it is given: “at most 30 a minute”; empty without limits."""
        if self.at_once and self.per_minute:
            return sentences.AT_MOST_BOTH(at_once=self.at_once, per_minute=self.per_minute)
        if self.per_minute:
            return sentences.AT_MOST_A_MINUTE(per_minute=self.per_minute)
        return sentences.AT_MOST(at_once=self.at_once) if self.at_once else ""

    def is_moving(self, since: datetime) -> bool:
        """Whether, of a destination with limits, a turn was taken since, or a seat is taken."""
        if self.turn_at and self.turn_at > since:
            return True
        return self.deliveries.filter(state="running", lease_until__gt=since).exists()

    def pause(self, reason: str, at: datetime, by: str = "") -> bool:
        """Stop sending until somebody fixes the connection; True for the call that stopped it.

        `by` is the reference of the referral that was answered so. What answers is not down.
        """
        here = Destination.objects.all()
        is_open = here.filter(paused_at__isnull=True)
        if update_one(is_open, self, paused_at=at, paused_reason=reason, paused_by=by):
            return True
        down = here.filter(probe_at__isnull=False)
        return update_one(down, self, paused_reason=reason, paused_by=by, probe_at=None, probes=0)

    def go_down(self, reason: str, at: datetime) -> bool:
        """Stop sending until it can be reached; True for the call that stopped it."""
        is_open = Destination.objects.filter(paused_at__isnull=True)
        why = {"paused_reason": reason, "paused_by": ""}
        return update_one(
            is_open, self, **why, paused_at=at, probe_at=at + probe_delay(0), probes=0
        )

    def release(self) -> bool:
        """Send again; True for the call that released it. What waited for it goes by itself."""
        paused = Destination.objects.filter(pk=self.pk, paused_at__isnull=False)
        with transaction.atomic():
            released = bool(
                paused.update(
                    paused_at=None, paused_reason=None, paused_by="", probe_at=None, probes=0
                )
            )
            if released:
                destination_released(self)
        return released

    def end_recovery(self) -> bool:
        """Send again after failures; True for the call that ended the pause. What waited goes."""
        paused = Destination.objects.filter(
            pk=self.pk, paused_until__isnull=False, paused_at__isnull=True
        )
        with transaction.atomic():
            ended = bool(paused.update(paused_until=None, paused_code="", failures=0))
            if ended:
                destination_released(self)
        return ended

    def test_connection(self) -> str:
        """Reach the destination and prove the credentials; a good answer ends a pause.

        Returns a sentence that says what answered; raises a DeliveryError.
        """
        if self.is_down:
            self.probe()
        answer = self.transport().check()
        Destination.objects.filter(pk=self.pk).update(checked_at=clock.now())
        self.release()
        self.end_recovery()
        destination_tested(self)
        return answer

    def probe(self) -> None:
        """See whether a destination that is down answers; if so, release it, or pause it for good.

        Raises a DeliveryError when it does not, or when it does not accept the connection.
        """
        try:
            self.transport().probe()
        except Misconfigured as error:
            down = Destination.objects.filter(probe_at__isnull=False)
            update_one(down, self, paused_reason=error.message, probe_at=None, probes=0)
            raise
        self.release()

    # -- what it can do ----------------------------------------------------------------------

    def findings(self) -> dict[Capability, Finding]:
        """Return what is proved or disproved of it with the options as they are now."""
        found = capabilities.findings(self.capabilities, self._hashes())
        if any(one.refused for one in found.values()) and self._is_asked_again():
            return {key: one for key, one in found.items() if not one.refused}
        return found

    def standings(self) -> list[Standing]:
        """Return how each capability of its kind is known, for its page."""
        transport, found = self.transport(), self.findings()
        return [
            capabilities.standing(self.capabilities, one, transport.declared(one), found.get(one))
            for one in transport.capabilities
        ]

    def declared_at_upgrade(self) -> list[str]:
        """Return the options that nobody has chosen since the upgrade."""
        kind = destinations.transport_class(self.kind)
        kept = capabilities.declared_at_upgrade(self.capabilities)
        return [name for one, name in kind.declared_by.items() if one in kept]

    def declare(self, declared: Mapping[str, bool | None], by: str) -> bool:
        """Keep who declared the options that were named; True when that is something new.

        What is declared already by a person, and named again, stays theirs.
        """
        kind = destinations.transport_class(self.kind)
        named = {one: declared[name] for one, name in kind.declared_by.items() if name in declared}
        return self._record(lambda kept: capabilities.declare(kept, named, by, clock.now()))

    def learn(self, shown: Shown, at: datetime) -> None:
        """Keep what an answer has shown; a proof under way counts no more."""
        self._keep(shown, at, search_next_at=at + ASK_SEARCH_AGAIN)

    def prove(self, shown: Shown, at: datetime) -> None:
        """Keep what a test event has shown; when it is asked next stays as it is."""
        self._record(lambda kept: capabilities.learn(kept, shown, self._hashes(), at))

    def has_to_prove(self) -> bool:
        """Return whether reading could prove more of it, and was not asked of late."""
        hashes = self._hashes()
        if self.search_of != hashes.get(Capability.SEARCH_FINDS, ""):
            return True
        found = capabilities.findings(self.capabilities, hashes)
        wanted = (one for one in PROVED_BY_READING if one in hashes)
        return not all(one in found and found[one].yes for one in wanted) and (
            self.search_next_at is None or self._is_asked_again()
        )

    def _is_asked_again(self) -> bool:
        return self.search_next_at is not None and self.search_next_at <= clock.now()

    def begin_proof(self, at: datetime) -> datetime | None:
        """Win the right to prove by reading, or None. The time returned is for `end_proof`."""
        until = at + PROOF_TIME
        won = Destination.objects.filter(
            pk=self.pk, search_of=self.search_of, search_next_at=self.search_next_at
        ).update(search_next_at=until)
        return until if won else None

    def end_proof(self, begun: datetime, shown: Shown, next_at: datetime | None) -> None:
        """Keep what the proof has shown, unless something else was learned meanwhile."""
        self._keep(shown, clock.now(), begun=begun, search_next_at=next_at)

    def _hashes(self) -> dict[Capability, str]:
        """Return, for each capability, the hash of all options it depends on, secrets included.

        They are asked for several times with each delivery, and made once.
        """
        made: tuple[Any, dict[Capability, str]] | None = self.__dict__.get("_made_hashes")
        of = (self.kind, dict(self.options))
        if made is None or made[0] != of:
            kind = destinations.transport_class(self.kind)
            hashes = {names: self._hash(names) for names in set(kind.capabilities.values())}
            made = of, {one: hashes[names] for one, names in kind.capabilities.items()}
            self.__dict__["_made_hashes"] = made
        return made[1]

    def _hash(self, names: Sequence[str]) -> str:
        chosen = {name: self.options.get(name) for name in names}
        return salted_hmac("search", json.dumps(chosen, sort_keys=True)).hexdigest()

    def _keep(
        self, shown: Shown, at: datetime, begun: datetime | None = None, **asked: datetime | None
    ) -> None:
        hashes = self._hashes()
        search_of = hashes.get(Capability.SEARCH_FINDS, "")
        where = {} if begun is None else {"search_next_at": begun}
        self._record(
            lambda kept: capabilities.learn(kept, shown, hashes, at),
            where,
            search_of=search_of,
            **asked,
        )

    def _record(
        self,
        change: Callable[[Record], bool],
        where: Mapping[str, Any] = MappingProxyType({}),
        **fields: Any,
    ) -> bool:
        """Change what is recorded, under the row's lock; return whether that changed anything."""
        with transaction.atomic():
            rows = Destination.objects.filter(pk=self.pk, **where)
            row = rows.select_for_update().only("capabilities").first()
            if row is None:
                return False
            changed = change(row.capabilities)
            rows.update(capabilities=row.capabilities, **fields)
        self.capabilities = row.capabilities
        return changed

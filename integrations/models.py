"""Who may talk to whom: organizations, listings, sources, destinations, trigger configs.

No `__str__` here holds personal data or a secret: it ends up in logs.
"""

import json
import zoneinfo
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any
from urllib.parse import quote, urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from core import schedule
from core.database import clock
from core.database.rows import KeyedHistory, KeyedModel, update_one
from core.fields import EncryptedJSONField, EncryptedSentenceField, EncryptedTextField
from integrations import capabilities, destinations, sentences, sources
from integrations.capabilities import (
    PROVED_BY_READING,
    Capability,
    Finding,
    Record,
    Shown,
    Standing,
)
from integrations.hooks import destination_released, destination_tested
from integrations.transport import ATTACHMENT, SUMMARY, Misconfigured, Transport
from integrations.triggers import TRIGGER_KEYS, TRIGGER_LABELS
from mapping.source import allowing
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
FILE_CATEGORIES = (SUMMARY, ATTACHMENT)
PROBE_AT_LEAST = timedelta(minutes=15)
LOOPBACK = ("localhost", "127.0.0.1", "::1")


def probe_delay(probes: int) -> timedelta:
    """Return how long after so many probes in vain the next one is due."""
    schedule = settings.RETRY_SCHEDULE
    delay: timedelta = schedule[min(probes, len(schedule) - 1)]
    return min(delay, PROBE_AT_LEAST)


def check_time_zone(value: str) -> None:
    """Raise ValidationError unless `value` is an IANA time zone such as America/Toronto."""
    if value not in zoneinfo.available_timezones():
        raise ValidationError(f"“{value}” is not a time zone. An example: America/Toronto.")


def check_trigger_keys(value: object) -> None:
    """Raise ValidationError unless `value` is a list of one or more trigger keys."""
    if not isinstance(value, list) or not value:
        raise ValidationError("Choose at least one trigger.")
    unknown = [str(key) for key in value if key not in TRIGGER_KEYS]
    if unknown:
        raise ValidationError(
            f"Unknown trigger: {', '.join(unknown)}. Known: {', '.join(TRIGGER_KEYS)}."
        )


def check_hosts(value: object) -> None:
    """Raise ValidationError unless `value` is a list of host names, each with an optional port."""
    if not isinstance(value, list) or not all(isinstance(host, str) and host for host in value):
        raise ValidationError("A list of host names, such as files.example.org.")
    for host in value:
        if "/" in host or " " in host or "@" in host:
            raise ValidationError(f"“{host}” is not a host name: leave out https:// and paths.")


def check_allowed_fields(value: object) -> None:
    """Raise ValidationError unless `value` is a list of what an allow-list may name."""
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise ValidationError("A list of fields and groups, such as registrant.phone_1 or answers.")
    if wrong := allowing.unknown(value):
        named = ", ".join(f"“{name}”" for name in wrong)
        raise ValidationError(
            f"No field or group is named {named}. Groups: all, {', '.join(allowing.GROUPS)}."
        )


def check_allowed_files(value: object) -> None:
    """Raise ValidationError unless `value` is a list of categories of files."""
    if not isinstance(value, list) or not all(one in FILE_CATEGORIES for one in value):
        raise ValidationError(f"A list of categories: {', '.join(FILE_CATEGORIES)}.")


def all_fields() -> list[str]:
    """Return the allow-list of a destination that names none."""
    return [allowing.ALL]


def check_address(value: str) -> None:
    """Raise ValidationError unless `value` is an https address; http is for this machine only."""
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    if parts.scheme not in ("http", "https") or not host:
        raise ValidationError("An address starts with https://, such as https://caredove.example.")
    if parts.scheme == "http" and host not in LOOPBACK:
        raise ValidationError("Use https:// here: plain http:// would send the password in clear.")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ValidationError("Leave out names and passwords, and the part from “?” or “#” on.")


REFERENCE = "{reference}"  # in the template of a referral's address


def check_referral_address(value: str) -> None:
    """Raise ValidationError unless `value` is an https address with one place for a reference.

    The reference must not stand in the host: it comes from a message.
    """
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    if parts.scheme != "https" or not host or "@" in parts.netloc:
        raise ValidationError("An address starts with https://, without names and passwords.")
    rest = value.replace(REFERENCE, "")
    if value.count(REFERENCE) != 1 or REFERENCE in parts.netloc or set("{}") & set(rest):
        raise ValidationError("Write {reference} once, after the host: where the reference stands.")


def check_source_kind(value: str) -> None:
    """Raise ValidationError unless `value` is a kind of source."""
    known = sources.kinds()
    if value not in known:
        raise ValidationError(f"“{value}” is not a kind. Known: {', '.join(known)}.")


class Organization(models.Model):
    """An agency on Caredove that receives referrals."""

    class Plan(models.TextChoices):
        ESSENTIAL = "essential", "Essential"
        ADVANCED_CBO = "advanced_cbo", "Advanced CBO"
        ENTERPRISE = "enterprise", "Enterprise"

    IMPORTING_PLANS = (Plan.ADVANCED_CBO, Plan.ENTERPRISE)

    caredove_id = models.CharField("Caredove id", max_length=64, unique=True)
    name = models.CharField(max_length=200)
    plan = models.CharField(
        max_length=20,
        choices=Plan.choices,
        default=Plan.ADVANCED_CBO,
        help_text="Importing needs Advanced CBO or higher.",
    )
    time_zone = models.CharField(
        max_length=64, default="America/Toronto", validators=[check_time_zone]
    )
    active = models.BooleanField(
        default=True, help_text="Off: events are kept, nothing is imported."
    )
    history = HistoricalRecords()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        return zoneinfo.ZoneInfo(self.time_zone)

    def may_import(self) -> bool:
        """Return whether the plan is sufficient and the organization is active."""
        return self.active and self.plan in self.IMPORTING_PLANS


class ServiceListing(models.Model):
    """One service of an organization, as Caredove lists it."""

    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="listings"
    )
    caredove_id = models.CharField("Caredove id", max_length=64, unique=True)
    name = models.CharField(max_length=300)
    category = models.CharField(max_length=200, blank=True, help_text="As Caredove groups it.")
    active = models.BooleanField(
        "listed in Caredove",
        default=True,
        help_text="Off: Caredove does not list it any more. What it still sends is imported.",
    )
    history = HistoricalRecords()

    class Meta:
        ordering = ["organization__name", "name"]

    def __str__(self) -> str:
        return self.name


class Source(KeyedModel):
    """A sender of events, with its credentials and the limits on what it may send.

    A partner is linked to the one destination whose deliveries it reads and answers, and acts for
    that destination's organization alone.
    """

    class Updates(models.TextChoices):
        NONE = "none", "Outbound only"
        ALLOW = "allow", "Allow updates"

    name = models.CharField(max_length=100, unique=True)
    kind = models.CharField(
        max_length=20, default=sources.default_kind, validators=[check_source_kind]
    )
    organizations = models.ManyToManyField(
        Organization, blank=True, help_text="None chosen: it may send for all of them."
    )
    active = models.BooleanField(default=True)
    attachment_hosts = models.JSONField(
        default=list,
        blank=True,
        validators=[check_hosts],
        help_text="Attachments named by URL are fetched from these hosts only.",
    )
    fetch_username = models.CharField(max_length=200, blank=True)
    fetch_password = EncryptedTextField(null=True, blank=True)
    fetch_token = EncryptedTextField(
        null=True, blank=True, help_text="Instead of a user name and password."
    )
    listings_url = models.CharField(
        "address of the listing API",
        max_length=300,
        blank=True,
        validators=[check_address],
        help_text="Its part before /Service/, such as https://caredove.example/api/native_v1.",
    )
    listings_username = models.CharField(
        "user name for the listing API", max_length=200, blank=True
    )
    listings_password = EncryptedTextField("password for the listing API", null=True, blank=True)
    referral_url = models.CharField(
        "address of a referral",
        max_length=300,
        blank=True,
        validators=[check_referral_address],
        help_text="With {reference} where the reference stands. Pages link to the referral there.",
    )
    destination = models.OneToOneField(
        "Destination",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="partner",
        help_text="Of a partner: it reads what was sent there, and nothing else.",
    )
    updates = models.CharField(
        max_length=10,
        choices=Updates.choices,
        default=Updates.NONE,
        help_text="Of a partner: whether it may answer what it was sent.",
    )
    history = KeyedHistory(m2m_fields=[organizations])
    # Whether it may send for some organizations alone; None where the query did not ask.
    is_limited: bool | None = None

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        if self.kind in sources.kinds():
            self._check_partner(is_partner=sources.source_kind(self.kind).answers is not None)

    def address_of(self, reference: str) -> str:
        """Return where people open a referral at this source; empty where that is not known."""
        return self.referral_url.replace(REFERENCE, quote(reference, safe=""))

    def _check_partner(self, *, is_partner: bool) -> None:
        if not is_partner and self.destination_id:
            raise ValidationError({"destination": "Only a partner has a destination."})
        if not is_partner and self.updates != self.Updates.NONE:
            raise ValidationError({"updates": "Only a partner answers what it was sent."})
        if self.destination and not self.destination.is_answered:
            label = destinations.transport_class(self.destination.kind).label
            said = f"Nothing that is sent to a destination of this kind ({label}) can be answered."
            raise ValidationError({"destination": said})

    def limit_to_its_destination(self) -> None:
        """Let a partner act for the organization of its destination alone."""
        if self.destination:
            owner = self.destination.organization
            if list(self.organizations.all()) != [owner]:
                self.organizations.set([owner])

    def may_send_for(self, caredove_id: str) -> bool:
        """Return whether events for the organization with this Caredove id are welcome."""
        allowed = list(self.organizations.values_list("caredove_id", flat=True))
        return not allowed or caredove_id in allowed

    def fetch_credentials(self) -> tuple[str, str] | str | None:
        """Return (user name, password), a bearer token, or None, for fetching attachments."""
        if self.fetch_token:
            return self.fetch_token
        if self.fetch_username:
            return self.fetch_username, self.fetch_password or ""
        return None


class SourceCredential(KeyedModel):
    """One credential of a source. Several are valid at once, so that they can be rotated."""

    class Scheme(models.TextChoices):
        BASIC = "basic", "HTTP Basic"
        SIGNATURE = "signature", "Standard Webhooks signature"

    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="credentials")
    scheme = models.CharField(max_length=10, choices=Scheme.choices, default=Scheme.BASIC)
    key = models.CharField("key id", max_length=100, blank=True)
    secret_hash = models.CharField(max_length=300, blank=True, editable=False)
    signing_secret = EncryptedTextField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    active = models.BooleanField(default=True)
    history = HistoricalRecords(excluded_fields=["secret_hash", "signing_secret", "row_key"])

    class Meta:
        ordering = ["source", "scheme", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["key"], condition=Q(scheme="basic"), name="basic_key_names_one_credential"
            ),
            models.CheckConstraint(
                condition=Q(scheme="basic", signing_secret__isnull=True) & ~Q(secret_hash="")
                | Q(scheme="signature", signing_secret__isnull=False, secret_hash=""),
                name="credential_holds_the_secret_of_its_scheme",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_scheme_display()} {self.key or self.pk}"


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
        help_text="By its options: what is due travels together. Kept, for rows are chosen by it.",
    )
    schedule = models.CharField(
        max_length=200,
        blank=True,
        editable=False,
        help_text="By its options: when its runs begin (core.schedule). Empty: when one is due.",
    )
    runs_at = models.DateTimeField(
        null=True, editable=False, help_text="Of one with a schedule: when the next run begins."
    )
    columns = models.JSONField(
        default=list, editable=False, help_text="Of the lists written there, in their order."
    )
    at_once = models.PositiveSmallIntegerField(
        "at the same time",
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(MOST)],
        help_text="At most so many deliveries. Empty: no limit.",
    )
    per_minute = models.PositiveSmallIntegerField(
        "per minute",
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(MOST)],
        help_text="At most so many deliveries. Empty: no limit.",
    )
    allowed_fields = models.JSONField(
        default=all_fields,
        blank=True,
        validators=[check_allowed_fields],
        help_text="Only these fields and groups leave, in whatever form. Empty: none.",
    )
    allowed_files = models.JSONField(
        null=True,
        blank=True,
        validators=[check_allowed_files],
        help_text="Only files of these categories leave. Null: what is usual for the kind.",
    )
    turn_at = models.DateTimeField(
        null=True, editable=False, help_text="Of one with limits: when the next delivery may go."
    )
    failures = models.PositiveIntegerField(
        default=0, editable=False, help_text="Referrals in a row that it has failed."
    )
    paused_until = models.DateTimeField(
        null=True, editable=False, help_text="When one delivery is let through to see if it works."
    )
    paused_code = models.CharField(
        max_length=40, blank=True, editable=False, help_text="What it answered then."
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
        help_text="Reference of the referral whose answer paused it.",
    )
    probe_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="When to see whether it can be reached."
    )
    probes = models.PositiveIntegerField(default=0, editable=False)
    checked_at = models.DateTimeField(null=True, blank=True, editable=False)
    capabilities = models.JSONField(
        default=dict,
        editable=False,
        help_text="What is proved or declared of it: integrations.capabilities.",
    )
    search_of = models.CharField(
        max_length=64,
        blank=True,
        editable=False,
        help_text="Hash of the options that the search was last asked with.",
    )
    search_next_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="Not asked anew before; none: at once."
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
        if self.kind in destinations.kinds():
            transport = destinations.transport_class(self.kind)(self.options)
            self.batches, self.schedule = transport.batches, transport.schedule
        super().save(*args, **kwargs)
        if self.schedule != before:
            runs_at = self.next_run_after(clock.now())
            update_one(Destination.objects.all(), self, schedule=self.schedule, runs_at=runs_at)

    def clean(self) -> None:
        if self.kind not in destinations.kinds():
            known = ", ".join(sorted(destinations.kinds()))
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
        return (
            self.kind in destinations.kinds() and destinations.transport_class(self.kind).answered
        )

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
        day = "" if at.date() == timezone.now().astimezone(at.tzinfo).date() else "%Y-%m-%d "
        return f"{at:{day}%H:%M}"

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

    def declare(self, said: Mapping[str, bool | None], by: str) -> bool:
        """Keep who declared the options that were named; True when that is something new.

        What is declared already by a person, and named again, stays theirs.
        """
        kind = destinations.transport_class(self.kind)
        named = {one: said[name] for one, name in kind.declared_by.items() if name in said}
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


class TriggerConfig(models.Model):
    """When the referrals of a listing go to a destination, and by which mapping."""

    listing = models.ForeignKey(
        ServiceListing, on_delete=models.CASCADE, related_name="trigger_configs"
    )
    destination = models.ForeignKey(
        Destination, on_delete=models.CASCADE, related_name="trigger_configs"
    )
    on = models.JSONField("triggers", default=list, validators=[check_trigger_keys])
    include_routed = models.BooleanField(
        default=False, help_text="Received: include requests routed from another organization."
    )
    mapping = models.ForeignKey("mapping.Mapping", on_delete=models.PROTECT)
    enabled = models.BooleanField(default=True)
    history = HistoricalRecords()

    class Meta:
        ordering = ["listing__name", "destination__name"]
        constraints = [
            models.UniqueConstraint(
                fields=["listing", "destination"], name="listing_and_destination_connect_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.listing} to {self.destination}"

    def labels(self) -> str:
        """Return the chosen triggers in Caredove's words, joined by commas."""
        return ", ".join(TRIGGER_LABELS.get(key, key) for key in self.on)

    def clean(self) -> None:
        if (
            self.listing_id
            and self.destination_id
            and self.listing.organization_id != self.destination.organization_id
        ):
            raise ValidationError(
                {"destination": "The destination belongs to another organization than the listing."}
            )
        if self.enabled and self.destination_id and not self.destination.transport().by_trigger:
            raise ValidationError(
                {
                    "destination": _(
                        "With its options, referrals can be sent to this destination by hand only."
                    )
                }
            )
        if self.mapping_id and self.destination_id:
            self._check_mapping()

    def _check_mapping(self) -> None:
        if self.mapping.destination_kind != self.destination.kind:
            raise ValidationError(
                {"mapping": f"This mapping is for {self.mapping.destination_kind} destinations."}
            )
        owner = self.mapping.organization_id
        if owner and owner != self.destination.organization_id:
            raise ValidationError({"mapping": "This mapping belongs to another organization."})

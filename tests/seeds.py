"""More than a hundred made-up referrals in every state, for tests that look at pages.

`plant()` fills the database of this process; `python -m tests.seeds DIRECTORY` makes a portal of
its own there. Everything happens by the real code: events come in and are opened, attempts are
claimed and settled with what a destination said. Time passes by moving what has happened so far
into the past. The same is planted each time, whatever the day: names, references, ids, ages.

Tests find a referral by its `CASES` name: `reference("rejected")`.
"""

import json
import os
import random
import sys
import unicodedata
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from integrations.transport import DeliveryError
    from referrals.models import Delivery, InboundEvent, Referral

CONFIG = Path(__file__).with_name("seeds.yaml")
FIXTURES = Path(__file__).parent.parent / "integrations" / "sources" / "caredove" / "fixtures"
PASSWORD = "a long walk by the river"  # of every person
ROLES = ("support", "liaison", "administrator")
FOREIGN = "zq-"  # in each name, reference and id of the organization that is not theirs
ZONE = ZoneInfo("America/Toronto")

# Everybody who is referred. No other word of the portal looks like one of these.
PEOPLE = (
    ("Mireille", "Tremblay-Okafor"),
    ("Oluwaseun", "Adeyemi-Clarke"),
    ("Geneviève", "Beauséjour-Lévesque"),
    ("Wolfeschlegelsteinhausenbergerdorff-Maximilian", "Featherstonehaugh-Cholmondeley-Villeneuve"),
    ("Noémie", "L’Écuyer"),
    ("Xiuying", "Ouyang"),
    ("Siobhán", "Ó Conghaile"),
    ("Amarjeet", "Dhaliwal"),
    ("Đặng", "Nguyễn Thị Mỹ Hạnh"),
    ("Harpreet", "Sandhu-Gill"),
    ("Jean-François", "Châteauneuf d’Arcy"),
    ("Nokomis", "Wabanonik"),
    ("Fatoumata", "Diarrassouba"),
    ("Björn", "Þorvaldsson"),
    ("Aiyana", "Kistabish"),
    ("Marie-Ève", "Saint-Onge"),
)
FOREIGN_PERSON = ("Zq-Prudence", "Zq-Merriweather")
NAMES = tuple(last for _, last in (*PEOPLE, FOREIGN_PERSON))

# What became of the referrals that tests look for, by name; each has a method `_<name>` below.
CASES = (
    "imported",
    "imported_at_once",
    "later_succeeded",
    "cleared",
    "edited_since",
    "files_to_follow",
    "files_missing",
    "waiting",
    "queued",
    "running",
    "retrying",
    "retrying_429",
    "paused",
    "rejected",
    "rejected_400",
    "rejected_page",
    "unconfirmed_409",
    "unconfirmed",
    "misconfigured",
    "misconfigured_mapping",
    "gave_up",
    "gave_up_no_answer",
    "resent_twice",
    "quarantined",
    "bug",
    "dismissed",
    "revoked",
    "revoked_before",
    "expired",
    "merged",
    "moved",
    "conflict",
    "event_quarantined",
    "event_unopened",
    "unknown_listing",
    "unknown_organization",
    "no_listing",
    "not_integrated",
    "trigger_off",
    "no_trigger",
    "routed",
    "plan_too_low",
    "suspended",
    "unknown_code",
    "ignored",
    "unreadable",
    "french",
    "long",
    "foreign",
    "foreign_rejected",
    "foreign_expired",
)
BULK = 80  # further referrals, of the kinds that are many


def reference(case: str) -> str:
    """Return the Reference # of the referral of a case."""
    number = CASES.index(case)
    return f"{FOREIGN}{number}" if case.startswith("foreign") else f"41{number:08}"


def environment(directory: Path) -> dict[str, str]:
    """Return the settings of the portal that is planted in a directory."""
    return {
        "DEBUG": "false",
        "SECRET_KEY": sha256(b"seeds").hexdigest(),
        "ENCRYPTION_KEYS": urlsafe_b64encode(sha256(b"seeds").digest()).decode(),
        "ALLOWED_HOSTS": "localhost,127.0.0.1",
        "ALLOW_LOOPBACK": "true",
        "CELERY_BROKER_URL": "",
        "DATABASE_URL": f"sqlite:///{directory}/dovetail.sqlite3",
        "MEDIA_ROOT": f"{directory}/media",
        "STATE_ROOT": f"{directory}/state",
        "AUDIT_HEADS": f"{directory}/audit.heads",
    }


# -- Planting --------------------------------------------------------------------------------------


def plant(bulk: int = BULK) -> None:
    """Fill the database: people, configuration, every case and so many referrals beside them."""
    from django.db import transaction

    from integrations import configuration

    with _same_each_time(), transaction.atomic():
        configuration.apply(CONFIG.read_bytes())
        _age_mappings()
        _make_people()
        _narrate_cases()
        for number in range(bulk):
            _one_of_many(number)
        _pause()
        for organization in ("812", "831", "zq-990"):
            _furnish(organization)


def _age_mappings() -> None:
    """Let the mappings be older than every attempt: a newer one makes a refusal worth a retry."""
    from core.database import clock
    from mapping.models import Mapping as FieldMapping

    FieldMapping.objects.update(changed_at=clock.now() - timedelta(days=90))


@contextmanager
def _same_each_time() -> Iterator[None]:
    chance = random.Random(3)
    state = random.getstate()
    random.seed(3)
    with patch("os.urandom", chance.randbytes):  # where uuid4 comes from
        yield
    random.setstate(state)


def _make_people() -> None:
    from django.contrib.auth.models import Group, User

    from access.models import Membership
    from integrations.models import Organization

    for role in ROLES:
        user = User.objects.create_user(
            role, f"{role}@dovetail.example", PASSWORD, first_name=role.title(), is_staff=True
        )
        user.groups.add(Group.objects.get(name=role.title()))
        if role != "administrator":  # who sees them all
            for organization in Organization.objects.exclude(caredove_id__startswith=FOREIGN):
                Membership.objects.create(user=user, organization=organization)


def _narrate_cases() -> None:
    for number, case in enumerate(CASES):
        story = Story(reference(case), _person(case, number))
        getattr(story, f"_{case}")()
        story.settle_down(hours=2 + 5 * number)


def _person(case: str, number: int) -> tuple[str, str]:
    return FOREIGN_PERSON if case.startswith("foreign") else PEOPLE[number % len(PEOPLE)]


_MANY = (
    *["_imported"] * 11,
    "_later_succeeded",
    "_cleared",
    "_rejected",
    "_rejected_400",
    "_gave_up",
    "_paused",
    "_no_trigger",
    "_not_integrated",
    "_dismissed",
    "_waiting",
)


def _one_of_many(number: int) -> None:
    """Add one more of the usual referrals; two in five came today."""
    story = Story(f"42{number:08}", PEOPLE[number % len(PEOPLE)], listing=_listing(number))
    getattr(story, _MANY[number % len(_MANY)])()
    today = datetime.now(ZONE) - datetime.now(ZONE).replace(hour=0, minute=0, second=0)
    if number % 5 < 2:
        story.settle_down(seconds=today.total_seconds() * (number + 1) / (BULK + 2))
    else:
        story.settle_down(hours=24 + number * 3)


def _listing(number: int) -> str:
    return "5301" if number % 7 == 0 else "4417"


def _pause() -> None:
    """Pause one connection, as the refusal of credentials would."""
    from core.database import clock
    from integrations.models import Destination

    reason = "CRMS does not accept the credentials: “The token has expired”."
    Destination.objects.get(name="Housing CRMS").pause(reason, clock.now() - timedelta(hours=31))


def _furnish(caredove_id: str) -> None:
    """Give an organization what people make in the workplace: alerts, test cases, a bulk retry."""
    from access import tokens
    from access.models import ApiToken
    from alerts.models import Alert, AlertRecipient, AlertSettings
    from integrations.models import Organization, ServiceListing, Source
    from mapping.models import Mapping, MappingTest
    from referrals.models import (
        BulkRetry,
        BulkRetryItem,
        Delivery,
        DestinationJob,
        Download,
        RetentionPeriod,
        Run,
    )
    from referrals.running import test_events

    organization, now = Organization.objects.get(caredove_id=caredove_id), _now()
    prefix = "Zq-" if caredove_id.startswith(FOREIGN) else ""
    AlertSettings.objects.create(organization=organization, digest_hour=7)
    RetentionPeriod.objects.create(organization=organization, days=3650)
    token = ApiToken(organization=organization, name=f"{prefix}Weekly report")
    token.expires_at = now + timedelta(days=90)
    tokens.make(token)
    token.save()
    AlertRecipient.objects.create(
        organization=organization, address=f"{prefix}alerts@{caredove_id}.example"
    )
    Alert.objects.create(
        organization=organization,
        kind="failure",
        cause=f"{prefix}rejected",
        hour=now.replace(minute=0, second=0, microsecond=0),
        made_at=now,
        facts={"what": "rejected:4xx", "count": 3, "since": now.isoformat()},
    )
    for mapping in Mapping.objects.filter(organization=organization):
        MappingTest.objects.create(
            mapping=mapping,
            name=f"{prefix}A family",
            document={"registrant": {"first_name": "Test", "last_name": "Person"}},
            time_zone="America/Toronto",
            expected={"name": "Test Person"},
            origin=f"{prefix}Sample",
            kept_at=now,
        )
    AlertRecipient.objects.create(
        organization=organization,
        channel="webhook",
        address=f"https://{prefix}hooks.{caredove_id}.example/alerts",
        secret="whsec_AAAA",
    )
    connected = ServiceListing.objects.filter(
        organization=organization, trigger_configs__isnull=False
    )
    sender = "zq-source" if prefix else "caredove"
    test_events.send(Source.objects.get(name=sender), connected[0])
    Run.objects.create(
        destination=organization.destinations.all()[0],
        state=Run.State.DONE,
        until=now,
        lease_until=now,
        token=uuid.uuid4(),
        intended_at=now,
        ended_at=now,
        name=f"{prefix}referrals.jsonl",
        rows=0,
        size=0,
        sha256="0" * 64,
    )
    DestinationJob.objects.create(
        destination=organization.destinations.all()[0],
        what="repeat",
        state="failed",
        asked_at=now,
        due_at=now,
        message=f"{prefix}failed",
    )
    Download.objects.create(
        organization=organization, format="csv", asked_at=now, asked_by=_user("support")
    )
    retry = BulkRetry.objects.create(
        selection=uuid.uuid4(), organization=organization, asked_at=now, asked_by=_user("support")
    )
    failed = Delivery.objects.filter(
        destination__organization=organization, state="needs_attention"
    )
    for delivery in failed[:5]:
        BulkRetryItem.objects.create(
            bulk_retry=retry, delivery=delivery, resends=delivery.resends, state="waiting"
        )


# -- One referral, from event to event ---------------------------------------------------------


class Story:
    """One referral as it happens. Each step is taken by the real code; `wait` lets time pass."""

    def __init__(self, ref: str, person: tuple[str, str], listing: str = "") -> None:
        self.ref = ref
        self.person = person
        self.listing = listing or ("zq-9901" if ref.startswith(FOREIGN) else "4417")
        self.events = 0
        self._known: dict[type, Any] = {}  # the key of the referral, and of its delivery

    # -- What comes in

    def comes(
        self, event_type: str = "referral.received", *, bare: bool = False, **changes: Any
    ) -> "InboundEvent":
        """Receive and open an event; `bare` leaves the person out."""
        from referrals.intake import opening
        from referrals.models import InboundEvent

        received = self.arrives(event_type, bare=bare, **changes)
        opening.open_deliveries(received)
        self._known.clear()
        return InboundEvent.objects.get(pk=received)

    def arrives(self, event_type: str, *, bare: bool = False, **changes: Any) -> Any:
        """Receive an event and leave it unopened; return its id."""
        from integrations.models import Source
        from referrals.intake import receiving

        name = "zq-source" if self.ref.startswith(FOREIGN) else "caredove"
        body = json.dumps(self._event(event_type, bare, changes)).encode()
        received = receiving.receive(Source.objects.get(name=name), "plain", body)
        self.events += 1
        return received.event_id

    def _event(self, event_type: str, bare: bool, changes: Mapping[str, Any]) -> dict[str, Any]:
        organization = changes.pop("organization", _organization_of(self.listing))
        listing = changes.pop("listing", self.listing)
        event_id = changes.pop("event_id", f"evt_{self.ref}_{self.events + 1}")
        referral = {} if bare else self._details()
        return {
            "event_id": event_id,
            "event_type": event_type,
            "organization": {"id": organization} if organization else {},
            "service_listing": {"id": listing} if listing else {},
            "referral": {"reference": self.ref, **referral, **changes},
        }

    def _details(self) -> dict[str, Any]:
        first, last = self.person
        template: dict[str, Any] = json.loads(json.dumps(_template()))
        template["registrant"] |= {
            "first_name": first,
            "last_name": last,
            "email": {"address": f"{_plain(last)}@example.org", "may_email": True},
        }
        del template["reference"], template["attachments"]
        return template

    # -- What is sent

    @property
    def delivery(self) -> "Delivery":
        from referrals.models import Delivery

        return Delivery.objects.get(pk=self._key(Delivery, "referral__aliases__value"))

    @property
    def referral(self) -> "Referral":
        from referrals.models import Referral

        return Referral.objects.get(pk=self._key(Referral, "aliases__value"))

    def _key(self, model: Any, path: str) -> Any:
        if model not in self._known:
            self._known[model] = model.objects.values_list("pk", flat=True).get(**{path: self.ref})
        return self._known[model]

    def fails(self, error: Exception, *, built: bool = True) -> None:
        """Try the import once, with this answer to the referral."""
        from referrals.delivering.ledger import DeliveryLedger
        from referrals.delivering.settling import settle

        lease = self._claim()
        outcome: Exception = error
        try:
            DeliveryLedger(lease).once("referral", _raising(error), lambda: None)
        except Exception as raised:  # what the transport raises is settled
            outcome = raised
        settle(lease, self.delivery, outcome, self._built() if built else None)  # type: ignore[arg-type]

    def succeeds(self, missing: dict[str, str] | None = None, *, later: bool = False) -> None:
        """Try the import once: the destination takes all but the missing files."""
        from integrations.transport import Exchange, Receipt
        from referrals.delivering.ledger import DeliveryLedger
        from referrals.delivering.settling import settle

        lease = self._claim()
        ledger, number = DeliveryLedger(lease), self.ref[-5:]
        found = ledger.once("referral", lambda: f"RF-{number}", lambda: None)
        ledger.once("summary", lambda: f"FL-{number}", lambda: None)
        link = f"http://127.0.0.1:9009/referrals/{found}"
        receipt = Receipt(
            found, link, Exchange("HTTP 201", {"Server": "crms"}, f'{{"id": "{found}"}}')
        )
        settle(lease, self.delivery, receipt, self._built(missing, later=later))

    def tries(self) -> None:
        """Try the import for real, with everything that belongs to it."""
        from referrals import delivering

        self._make_due()
        delivering.run(self.delivery.pk)

    def is_lost(self) -> None:
        """Try the import in a worker that does not come back."""
        from referrals import delivering
        from referrals.models import Delivery

        self._claim()
        self.wait(minutes=6)
        Delivery.objects.filter(pk=self.delivery.pk).update(
            lease_until=_now() - timedelta(seconds=1)
        )
        delivering.release_lost()

    def _claim(self) -> Any:
        from referrals.delivering.claiming import claim

        # What an earlier try may have done was looked for once: the next look is the last.
        self.delivery.steps.filter(done_at=None).update(searches=1)
        self._make_due()
        lease = claim(self.delivery.pk)
        assert lease, f"{self.ref} cannot be tried"
        return lease

    def _make_due(self, **later: float) -> None:
        from referrals.models import Delivery

        Delivery.objects.filter(pk=self.delivery.pk).update(due_at=_now() + timedelta(**later))

    def _built(self, missing: dict[str, str] | None = None, *, later: bool = False) -> Any:
        from integrations.transport import Parcel
        from referrals.delivering.building import Built

        parcel = Parcel(self.ref, {}, (), None)  # type: ignore[arg-type]
        return Built(parcel, self.referral.version, missing or {}, {}, later)

    def used_up(self) -> None:
        """Spend every try but the last."""
        from django.conf import settings

        from referrals.models import Delivery

        tries = len(settings.RETRY_SCHEDULE)
        Delivery.objects.filter(pk=self.delivery.pk).update(tries=tries)

    # -- What time does

    def wait(self, **time: float) -> None:
        """Move all that has happened to this referral into the past."""
        from django.db.models import F, QuerySet

        by = timedelta(**time)
        for rows, columns in self._rows():
            filled = {name: F(name) - by for name in columns}
            # The audit trail is only added to; its past is made in no other way.
            QuerySet.update(rows, **filled)

    def settle_down(self, **age: float) -> None:
        """End the story, so long ago; what is due stays due as it was."""
        from referrals.models import Delivery

        deliveries = Delivery.objects.filter(
            referral__aliases__value=self.ref, due_at__isnull=False
        )
        due = dict(deliveries.values_list("pk", "due_at"))
        self.wait(**age)
        for pk, at in due.items():
            Delivery.objects.filter(pk=pk).update(due_at=at)

    def _rows(self) -> Iterator[tuple[Any, tuple[str, ...]]]:
        from core.models import AuditEvent
        from referrals import models

        yield models.InboundEvent.objects.filter(reference=self.ref), ("received_at", "occurred_at")
        ours = models.Referral.objects.filter(aliases__value=self.ref)
        yield ours, ("created_at", "changed_at", "purged_at")
        keys = list(models.Delivery.objects.filter(referral__in=ours).values_list("pk", flat=True))
        if keys:
            deliveries = models.Delivery.objects.filter(pk__in=keys)
            yield deliveries, ("opened_at", "imported_at", "error_at", "error_cleared_at", "due_at")
            attempts = models.Attempt.objects.filter(delivery__in=keys)
            yield attempts, ("started_at", "ended_at")
            steps = models.Step.objects.filter(delivery__in=keys)
            yield steps, ("intended_at", "searched_at", "done_at")
            acts = AuditEvent.objects.filter(object_id__in=[str(key) for key in keys])
            yield acts, ("at",)

    # -- The cases: imported

    def _imported(self) -> None:
        self.comes()
        self.succeeds()

    def _imported_at_once(self) -> None:
        """Really imported, with its files, by the demo destination."""
        self.listing = "5302"
        self.comes(attachments=_template()["attachments"])
        self.tries()

    def _later_succeeded(self) -> None:
        self._rejected()
        self.wait(hours=3)
        self.comes("referral.edited")
        self.wait(seconds=4)
        self.succeeds()

    def _cleared(self) -> None:
        from referrals import delivering

        self._later_succeeded()
        self.wait(minutes=40)
        delivering.clear_error(self.delivery, _user("support"))

    def _edited_since(self) -> None:
        self._imported()
        self.wait(days=2)
        moved = {"line1": "9 Harbour St", "city": "Milltown", "province": "ON", "country": "CA"}
        self.comes("referral.edited", registrant=self._details()["registrant"] | {"address": moved})

    def _files_to_follow(self) -> None:
        self.comes(attachments=[_wanted()])
        self.succeeds({"phq9.png": "it has not been fetched yet"}, later=True)

    def _files_missing(self) -> None:
        self.comes(attachments=[_wanted()])
        self.succeeds({"phq9.png": "The file host says that it is gone (HTTP 410)."})

    # -- On their way

    def _waiting(self) -> None:
        self.comes("referral.status_changed", bare=True, substatus={"classification": "ready"})

    def _queued(self) -> None:
        self.comes()
        self._make_due(hours=20)

    def _running(self) -> None:
        from referrals.models import Delivery

        self.comes()
        self._claim()
        Delivery.objects.filter(pk=self.delivery.pk).update(lease_until=_now() + timedelta(days=30))

    def _retrying(self) -> None:
        self.comes()
        for status in (502, 503, 503):
            self.fails(_crms(status, message="The service is being updated."))
            self.wait(minutes=5)
        self._make_due(hours=6)

    def _retrying_429(self) -> None:
        self.comes()
        self.fails(_crms(429, message="Too many requests", retry_after=3600))
        self._make_due(hours=9)

    def _paused(self) -> None:
        self.listing = "4420"
        self.comes()

    # -- Needs attention

    def _rejected(self) -> None:
        self.comes()
        self.wait(seconds=2)
        self.fails(_crms(422, errors=["Date of birth is in the future", "Phone is not a number"]))

    def _rejected_400(self) -> None:
        self.comes()
        self.fails(_crms(400, message="Preferred Language « français » is not in the list."))

    def _rejected_page(self) -> None:
        self.comes()
        page = "<h1>Error</h1><script>alert(1)</script><p>client.email: value too long</p>" * 40
        self.fails(_crms(422, page=page))

    def _unconfirmed_409(self) -> None:
        from integrations.transport import Doubt, Unconfirmed

        self.comes()
        answer = _crms(409, message="A referral with this reference exists.")
        self.fails(Unconfirmed(answer.message, answer.exchange, doubt=Doubt.DUPLICATE))

    def _unconfirmed(self) -> None:
        from integrations.transport import Unconfirmed

        self.comes()
        self.fails(Unconfirmed("CRMS did not answer within 30 seconds, and cannot be searched."))

    def _misconfigured(self) -> None:
        self._paused()
        self.fails(_crms(401, message="The token has expired"), built=False)

    def _misconfigured_mapping(self) -> None:
        from integrations.transport import ErrorKind, Misconfigured

        self.comes()
        wrong = "Mapping “default (crms)” does not work: “client.region” is not a target of CRMS."
        self.fails(Misconfigured(wrong, kind=ErrorKind.BAD_MAPPING), built=False)

    def _gave_up(self) -> None:
        self.comes()
        for status in (500, 503, 504, 503):
            self.fails(_crms(status, message="Database is locked"))
            self.wait(hours=4)
        self.used_up()
        self.fails(_crms(503, message="Database is locked"))

    def _gave_up_no_answer(self) -> None:
        from integrations.transport import ErrorKind, TryAgain

        self.comes()
        self.fails(TryAgain("CRMS gave no whole answer: the time was up.", kind=ErrorKind.SILENT))
        self.wait(days=2)
        self.used_up()
        self.fails(TryAgain("CRMS gave no whole answer: the time was up.", kind=ErrorKind.SILENT))

    def _resent_twice(self) -> None:
        from referrals import delivering

        self._gave_up()
        for _ in range(2):
            self.wait(hours=2)
            delivering.retry(self.delivery, _user("support"))
            self.used_up()
            self.fails(_crms(500, message="Unexpected error 0x80004005"))

    def _quarantined(self) -> None:
        self.comes()
        for _ in range(5):
            self.is_lost()

    def _bug(self) -> None:
        self.comes()
        self.fails(RuntimeError("a mistake"), built=False)
        self._close_steps()

    def _close_steps(self) -> None:
        """Make a crash one that happened before anything was sent."""
        from core.database.rows import update_one
        from referrals import sentences
        from referrals.models import Delivery

        self.delivery.steps.all().delete()
        update_one(
            Delivery.objects.all(),
            self.delivery,
            state="needs_attention",
            reason="bug",
            due_at=None,
            error_at=_now(),
            message=sentences.BUG(),
        )

    # -- Ended otherwise

    def _dismissed(self) -> None:
        from referrals import delivering

        self._rejected()
        self.wait(hours=1)
        delivering.dismiss(
            self.delivery, "Entered twice; the other one is in CRMS.", _user("support")
        )

    def _revoked(self) -> None:
        self._imported()
        self.wait(days=1)
        self.comes("referral.revoked", bare=True)

    def _revoked_before(self) -> None:
        self._rejected()
        self.comes("referral.revoked", bare=True)

    def _expired(self) -> None:
        from referrals.record.removal import retention

        self._imported()
        retention.purge(self.referral, _now())

    def _merged(self) -> None:
        from referrals.intake import identity
        from referrals.models import Referral, ReferralAlias

        self._imported()
        other = Referral.objects.create(
            reference=f"{self.ref}-b", created_at=_now(), changed_at=_now()
        )
        ReferralAlias.objects.create(referral=other, source_kind="caredove", value=f"{self.ref}-b")
        identity._merged([self.referral, other])

    def _moved(self) -> None:
        """Routed on to another listing before it could be imported."""
        self._rejected()
        self.wait(hours=1)
        self.comes("referral.edited", organization="831", listing="5302")

    # -- Events that led to nothing

    def _conflict(self) -> None:
        self.comes(event_id="evt_same")
        self.comes(event_id="evt_same", sent_method="Fax")
        self.succeeds()

    def _event_quarantined(self) -> None:
        from referrals.intake import opening
        from referrals.models import InboundEvent

        pk = self.arrives("referral.received")
        InboundEvent.objects.filter(pk=pk).update(openings=opening.MAX_OPENINGS)
        opening.quarantine_events()

    def _event_unopened(self) -> None:
        from referrals.models import InboundEvent

        pk = self.arrives("referral.received")
        InboundEvent.objects.filter(pk=pk).update(due_at=_now() + timedelta(days=30))

    def _unknown_listing(self) -> None:
        self.comes(organization="812", listing="4777")

    def _unknown_organization(self) -> None:
        self.comes(organization="777", listing="7770")

    def _no_listing(self) -> None:
        self.comes("appointment.booked", bare=True, organization="", listing="")

    def _not_integrated(self) -> None:
        self.listing = "4999"
        self.comes()

    def _trigger_off(self) -> None:
        self.listing = "4419"
        self.comes("referral.status_changed", substatus={"classification": "ready"})

    def _no_trigger(self) -> None:
        self.listing = "4418"
        self.comes()

    def _routed(self) -> None:
        self.comes(routed=True, parent_reference="4100000000")

    def _plan_too_low(self) -> None:
        self.listing = "5210"
        self.comes()

    def _suspended(self) -> None:
        self.listing = "5410"
        self.comes()

    def _unknown_code(self) -> None:
        self.comes("referral.teleported")

    def _ignored(self) -> None:
        from integrations.models import Source
        from referrals.intake import opening, receiving

        body = (FIXTURES / "fhir-cds-service-request.json").read_bytes()
        received = receiving.receive(Source.objects.get(name="caredove"), "fhir", body)
        opening.open_deliveries(received.event_id)

    def _unreadable(self) -> None:
        from referrals.models import InboundEvent

        pk = self.arrives("referral.received")
        InboundEvent.objects.filter(pk=pk).update(
            state="opened", due_at=None, outcome="unreadable", reason="Its body could not be read."
        )

    # -- Special to look at

    def _french(self) -> None:
        self.listing = "5301"
        answers = [
            {
                "key": "motif",
                "label": "Motif de la référence",
                "value": "Détresse psychologique depuis l’automne ; s’inquiète pour ses enfants.",
            }
        ]
        self.comes(form_answers=answers, attachments=_template()["attachments"])
        self.tries()

    def _long(self) -> None:
        self.person = PEOPLE[3]
        long = "Has waited since the spring, and would like to speak with somebody soon. " * 40
        answers = [
            {"key": f"q{n}", "label": f"Question {n}: {long[:150]}", "value": long[: n * 60]}
            for n in range(30)
        ]
        self.comes(form_answers=answers)
        self.fails(_crms(422, message=f"The note is too long. {long}"))

    def _foreign(self) -> None:
        self.comes(attachments=_template()["attachments"])
        self.tries()

    def _foreign_rejected(self) -> None:
        self.comes()
        self.fails(_crms(422, message=f"Zq-{' '.join(self.person)} is refused."))

    def _foreign_expired(self) -> None:
        self._expired()


# -- Small things ----------------------------------------------------------------------------------


def _now() -> datetime:
    from core.database import clock

    return clock.now()


def _user(name: str) -> "User":
    from django.contrib.auth.models import User

    return User.objects.get(username=name)


@cache
def _template() -> dict[str, Any]:
    body = json.loads((FIXTURES / "plain-received-with-attachments.json").read_text())
    referral: dict[str, Any] = body["referral"]
    return referral


def _organization_of(listing: str) -> str:
    from integrations.models import ServiceListing

    return ServiceListing.objects.get(caredove_id=listing).organization.caredove_id


def _wanted() -> dict[str, Any]:
    """Return an attachment that has to be fetched."""
    url = "https://files.caredove.example/phq9.png"
    return {"id": "f1", "filename": "phq9.png", "content_type": "image/png", "url": url}


def _plain(name: str) -> str:
    letters = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return "".join(c for c in letters.lower() if c.isalpha())


def _raising(error: Exception) -> Any:
    def do() -> str:
        raise error

    return do


def _crms(
    status: int,
    *,
    message: str = "",
    errors: list[str] | None = None,
    page: str = "",
    retry_after: int | None = None,
) -> "DeliveryError":
    """Return the error that an answer of CRMS to a new referral stands for."""
    from core.outbound import Answer
    from integrations.destinations.crms.answers import Call, error_for

    answer = {"errors": [{"message": text} for text in errors]} if errors else {"message": message}
    headers = {"Content-Type": "text/html" if page else "application/json", "Server": "crms/4.2"}
    headers |= {"Retry-After": str(retry_after)} if retry_after else {}
    body = page or json.dumps(answer, ensure_ascii=False)
    return error_for(Call.CREATE, Answer(status, headers, body.encode(), truncated=False))


# -- A portal of its own -----------------------------------------------------------------------


def main(directory: Path) -> None:
    """Make a planted portal in the directory, with a session of each person."""
    os.environ.update(environment(directory), DJANGO_SETTINGS_MODULE="config.settings")
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    call_command("migrate", verbosity=0)
    plant()
    (directory / "sessions.json").write_text(json.dumps({role: session(role) for role in ROLES}))
    (directory / "addresses.json").write_text(json.dumps(_addresses()))
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _addresses() -> dict[str, str]:
    """Return the URL of every view of the admin, by its name, about rows of people's own."""
    from integrations.models import Organization
    from tests.addresses import row_of, views

    own = Organization.objects.get(caredove_id="831")
    return {
        view.name: view.address(own, row_of(view, own) if view.takes_a_key else None)
        for view in views()
    }


def session(role: str) -> str:
    """Return the stored form of a session that the person has signed in with."""
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore

    user = _user(role)
    content = {
        SESSION_KEY: str(user.pk),
        BACKEND_SESSION_KEY: settings.AUTHENTICATION_BACKENDS[0],
        HASH_SESSION_KEY: user.get_session_auth_hash(),
    }
    return SessionStore().encode(content)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())

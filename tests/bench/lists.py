"""How long the lists of the admin take with few and with many attempts, on PostgreSQL.

The same pages are asked for twice, in one run: first over few rows, then over many, with the same
shares of everything; what is rare stays as rare in rows. Time is CPU time of this process and of
the database's, so other work on the machine does not count; the database may not use further
processes, whose time would be missed.
"""

import random
import statistics
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from tests.bench import figures, portal
from tests.bench.deliveries import spent_seconds

ORGANIZATIONS, LISTINGS = 20, 5  # listings of each
RARE = 60  # rows, of few and of many: more than a page
NAME = "Mireille Tremblay-Okafor"
DELIVERIES, EVENTS, REFERRALS = (
    f"/admin/referrals/{model}/" for model in ("delivery", "inboundevent", "referral")
)
AUDIT = "/admin/core/auditevent/"
# What becomes of the i-th import: one in 50 failed, half of these are not cleared.
FAILED, UNCLEARED = "i %% 50 = 0", "i %% 100 = 0"
AGO = "now() - (%(most)s - i) * interval '20 seconds'"
ROWS: dict[str, dict[str, str]] = {
    "Referral": {
        "id": "md5('referral' || i)::uuid",
        "reference": "lpad(i::text, 10, '0')",
        "organization_id": "(%(organizations)s::int[])[1 + i / 7 %% 20]",
        "listing_id": "(%(listings)s::int[])[1 + i / 7 %% 100]",
        "created_at": AGO,
        "changed_at": AGO,
    },
    "ReferralAlias": {
        "referral_id": "md5('referral' || i)::uuid",
        "value": "lpad(i::text, 10, '0')",
    },
    "RegistrantName": {
        "referral_id": "md5('referral' || i)::uuid",
        "digest": f"CASE WHEN i <= {RARE} THEN %(digest)s ELSE md5('a' || i) || md5('b' || i) END",
    },
    "InboundEvent": {
        "id": "md5('event' || i)::uuid",
        "dedup_key": "'event ' || i",
        "referral_id": "md5('referral' || i)::uuid",
        "reference": "lpad(i::text, 10, '0')",
        "received_at": AGO,
        "state": f"CASE WHEN i <= {RARE} THEN 'quarantined' ELSE 'opened' END",
        "outcome": "CASE WHEN i %% 4 = 0 THEN 'no_trigger' ELSE 'import_opened' END",
    },
    "Delivery": {
        "id": "md5('delivery' || i)::uuid",
        "referral_id": "md5('referral' || i)::uuid",
        "destination_id": "(%(destinations)s::int[])[1 + i / 7 %% 20]",
        "opened_at": AGO,
        "imported_at": f"CASE WHEN {FAILED} THEN NULL ELSE {AGO} END",
        "external_id": f"CASE WHEN {FAILED} THEN NULL ELSE 'RF-' || i END",
        "state": f"CASE WHEN {FAILED} THEN 'needs_attention' ELSE 'imported' END",
        "reason": f"CASE WHEN NOT {FAILED} THEN '' WHEN i %% 300 = 0 THEN 'gave_up' "
        "ELSE 'rejected' END",
        "error_at": f"CASE WHEN {FAILED} THEN {AGO} END",
        "error_cleared_at": f"CASE WHEN {FAILED} AND NOT {UNCLEARED} THEN {AGO} END",
        "last_code": f"CASE WHEN NOT {FAILED} THEN 'HTTP 201' WHEN i %% 300 = 0 "
        "THEN 'HTTP 503' ELSE 'HTTP 422' END",
        "triggers": f"CASE WHEN i <= {RARE} THEN '[\"archived\"]' ELSE '[\"received\"]' END::jsonb",
    },
    "Version": {
        "id": "md5('delivery' || i)::uuid",
        "delivery_id": "md5('delivery' || i)::uuid",
        "opened_by_id": "md5('event' || i)::uuid",
        "asked_at": AGO,
    },
    "Attempt": {
        "delivery_id": "md5('delivery' || i)::uuid",
        "version_id": "md5('delivery' || i)::uuid",
        "number": "1",
        "lease_token": "gen_random_uuid()",
        "started_at": AGO,
        "ended_at": AGO,
    },
    "AuditEvent": {
        "at": AGO,
        "username": f"CASE WHEN i <= {RARE} THEN 'rare' ELSE 'person-' || i %% 50 END",
        "object_type": "'referrals.referral'",
        "object_id": "md5('referral' || i / 3)::uuid::text",
    },
}


def measure(few: int, many: int, rounds: int, seed: int) -> dict[str, Any]:
    """Return, for each role and page, the milliseconds over few attempts and over many."""
    portal.start()
    filling = Filling(many)
    found: dict[str, Any] = {}
    for size, count in (("few", few), ("many", many)):
        filling.up_to(count)
        for (role, page), ms in _times(filling, rounds, random.Random(seed)).items():
            found.setdefault(f"{role}: {page}", {})[size] = ms
    return {"pages": found, "few": few, "many": many}


def _times(filling: "Filling", rounds: int, order: random.Random) -> dict[tuple[str, str], float]:
    """Return the median of each page, asked for in another order in each round."""
    clients = filling.clients()
    pages = [(role, page) for role in clients for page in filling.pages(role)]
    spent: dict[tuple[str, str], list[float]] = {page: [] for page in pages}
    for _ in range(rounds + 1):  # the first one warms up; a quick run has no other
        for role, page in order.sample(pages, len(pages)):
            start = spent_seconds()
            answer = clients[role].get(filling.pages(role)[page], headers={"host": "localhost"})
            spent[role, page].append(spent_seconds() - start)
            assert answer.status_code == 200, (role, page, answer.status_code)
    return {
        page: statistics.median(of[1:] or of) * figures.MILLISECONDS for page, of in spent.items()
    }


class Filling:
    """Rows of every kind that the lists show, as many as are asked for."""

    def __init__(self, most: int) -> None:
        self.most, self.count = most, 0
        self._configure()
        self._originals = self._first()

    def up_to(self, count: int) -> None:
        """Add rows until there are so many attempts."""
        from django.db import connection

        from referrals.models import Attempt

        with connection.cursor() as cursor:
            cursor.execute("SET max_parallel_workers_per_gather = 0")
            cursor.execute("SET maintenance_work_mem = '256MB'")
            cursor.execute("SET session_replication_role = replica")  # keys are right as they are
            values = {**self._values, "first": self.count + 1, "last": count}
            for name, replaced in ROWS.items():
                model = type(self._originals[name])
                with _without_indexes(cursor, model._meta.db_table):
                    sql = _insert(model, replaced)
                    cursor.execute(sql, {**values, "original": self._originals[name].pk})
            cursor.execute("SET session_replication_role = origin")
            cursor.execute("VACUUM ANALYZE")
        self.count = count
        assert Attempt.objects.count() == count + 1

    def clients(self) -> Mapping[str, Any]:
        """Return somebody of each role that sees the lists, signed in."""
        from access.roles import ADMINISTRATOR, SUPPORT
        from tests.people import client_of

        names = (f"{role} over {self.count}" for role in (ADMINISTRATOR, SUPPORT))
        administrator, support = names
        half = self._organizations[: ORGANIZATIONS // 2]
        return {
            "administrator": client_of(ADMINISTRATOR, name=administrator),
            "support": client_of(SUPPORT, *half, name=support),
        }

    def pages(self, role: str) -> dict[str, str]:
        """Return the URL of each page that is measured for the role, by what it shows."""
        organization, destination, listing = (
            self._organizations[0].pk,
            self._values["destinations"][0],
            self._values["listings"][0],
        )
        every = f"{DELIVERIES}?error=all"
        pages = {
            "work list": DELIVERIES,
            "newest first": f"{DELIVERIES}?order=newest",
            "rejected": f"{DELIVERIES}?reason=rejected",
            "cleared": f"{DELIVERIES}?error=cleared",
            "all": every,
            "all, page 20": f"{every}&p=20",
            "organization": f"{every}&organization={organization}",
            "listing": f"{every}&listing={listing}",
            "destination": f"{every}&destination={destination}",
            "HTTP 4xx": f"{every}&code=4xx",
            "HTTP 201": f"{every}&code=201",
            "trigger": f"{every}&trigger=received",
            "rare trigger": f"{every}&trigger=archived",
            "state": f"{every}&state=needs_attention",
            "dates": f"{every}&from={self._day}&to={self._day}",
            "name": f"{DELIVERIES}?name={self._sealed}",
            "reference": f"{DELIVERIES}?q={'1'.zfill(10)}",
            "id in CRMS": f"{DELIVERIES}?q=RF-1",
            "referrals": REFERRALS,
            "referrals of one": f"{REFERRALS}?organization__id__exact={organization}",
            "referral by name": f"{REFERRALS}?name={self._sealed}",
            "events": EVENTS,
            "events not opened": f"{EVENTS}?state__exact=quarantined",
            "events, outcome": f"{EVENTS}?outcome__exact=no_trigger",
            "home": "/admin/",
        }
        if role == "administrator":
            referral = self._originals["Referral"].pk
            pages |= {
                "audit": AUDIT,
                "audit of a day": f"{AUDIT}?at__gte={self._day}T00Z&at__lt={self._next_day}T00Z",
                "audit of one person": f"{AUDIT}?q=person-7",
                "audit of one referral": f"{AUDIT}?q={referral}",
                "audit, page 5": f"{AUDIT}?p=5",
            }
        return pages

    def _configure(self) -> None:
        from django.utils import timezone

        from integrations.models import Destination, Organization, ServiceListing
        from referrals.admin.searching import sealed
        from referrals.record import names
        from tests.world import make_world

        self.world = make_world()
        made = [
            Organization(caredove_id=f"o{n}", name=f"Organization {n}")
            for n in range(ORGANIZATIONS)
        ]
        self._organizations = Organization.objects.bulk_create(made)
        destinations = Destination.objects.bulk_create(
            Destination(organization=one, name="CRMS", kind="demo") for one in self._organizations
        )
        listings = ServiceListing.objects.bulk_create(
            ServiceListing(organization=one, caredove_id=f"l{n}-{one.pk}", name=f"Listing {n}")
            for n in range(LISTINGS)
            for one in self._organizations
        )
        digests = names.find(NAME)
        self._sealed = sealed(digests)
        # One that all its rows have when there are few.
        begun = timezone.localtime() - timedelta(seconds=20 * self.most)
        self._day, self._next_day = (
            (begun + timedelta(days=days)).date().isoformat() for days in (1, 2)
        )
        self._values: dict[str, Any] = {
            "organizations": [one.pk for one in self._organizations],
            "destinations": [one.pk for one in destinations],
            "listings": [one.pk for one in listings],
            "digest": digests[0],
            "most": self.most,
        }

    def _first(self) -> dict[str, Any]:
        """Send one referral through the portal; return its rows."""
        from core import audit
        from tests.rows import of_before
        from tests.world import plain

        event = self.world.send(plain())
        delivery = self.world.run()
        referral = delivery.referral
        seen = audit.record("bench", "view", referral)
        # A copy has no key of its own, so the first must not have one either.
        keyed = (referral, event, delivery, delivery.versions.get(), delivery.attempts.get())
        referral, event, delivery, version, attempt = map(of_before, keyed)
        return {
            "Referral": referral,
            "ReferralAlias": referral.aliases.get(),
            "RegistrantName": referral.names.first(),
            "InboundEvent": event,
            "Delivery": delivery,
            "Version": version,
            "Attempt": attempt,
            "AuditEvent": seen,
        }


@contextmanager
def _without_indexes(cursor: Any, table: str) -> Iterator[None]:
    """Take away the table's indexes, but for those of constraints, and make them again at the end.

    Sorted at once they are made in a tenth of the time.
    """
    cursor.execute(
        "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = %s "
        "AND indexname NOT IN (SELECT conname FROM pg_constraint)",
        [table],
    )
    indexes = cursor.fetchall()
    for name, _ in indexes:
        cursor.execute(f'DROP INDEX "{name}"')
    yield
    for _, definition in indexes:
        cursor.execute(definition)


def _insert(model: Any, replaced: dict[str, str]) -> str:
    """Return the SQL that copies a row, with some of its columns replaced, once for each number."""
    names = [field.column for field in model._meta.concrete_fields if field.column != "row_key"]
    if "id" not in replaced:
        names.remove("id")
    values = ", ".join(replaced.get(name, f"original.{name}") for name in names)
    table = model._meta.db_table
    return (
        f"INSERT INTO {table} ({', '.join(names)}) SELECT {values} "
        f"FROM generate_series(%(first)s, %(last)s) AS i, {table} AS original "
        "WHERE original.id = %(original)s"
    )


if __name__ == "__main__":
    figures.report(measure)

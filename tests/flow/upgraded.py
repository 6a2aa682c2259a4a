"""Upgrade a portal of an earlier version and print what there is then, as JSON.

    python -m tests.flow.upgraded STATE

STATE is what `tests/fixtures/earlier/make_every_state.py` packed; the settings come from the
environment. Then everything that is due is tried, again and again, at destinations that say what
they were brought: `brought`, and how the deliveries stand afterward: `afterward`.
"""

import gc
import json
import os
import sys
from collections import Counter
from pathlib import Path
from typing import Any
from unittest import mock


def main(state: Path) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    from django.core.management import call_command

    gc.disable()  # a quarter of the time of migrating
    call_command("migrate", verbosity=0)
    gc.enable()
    found = facts()
    brought = run()
    print(json.dumps({**found, "brought": brought, "afterward": deliveries()}, default=str))


def facts() -> dict[str, Any]:
    """Return what `make_every_state.facts` did, as it is now."""
    from allauth.mfa.models import Authenticator
    from django.contrib.auth.models import Group, User

    from core.models import AuditEvent
    from integrations.models import Destination, Source
    from referrals.models import InboundEvent, Referral

    return {
        "deliveries": deliveries(),
        "referrals": {
            str(one.pk): [one.reference, one.snapshot, one.purged_why]
            for one in Referral.objects.all()
        },
        "bodies": {
            str(one.pk): one.body.decode() if one.body else None
            for one in InboundEvent.objects.defer(None)
        },
        "options": {one.name: one.options for one in Destination.objects.all()},
        "declared": {
            one.name: one.declared_at_upgrade() for one in Destination.objects.filter(kind="crms")
        },
        "sources": {one.name: one.fetch_password for one in Source.objects.all()},
        "history": {
            "sources": Source.history.count(),
            "destinations": Destination.history.count(),
            "options": sorted(
                json.dumps(one.options, sort_keys=True) for one in Destination.history.all()
            ),
        },
        "factors": [
            [one.user.get_username(), str(one.type)] for one in Authenticator.objects.order_by("pk")
        ],
        "groups": {
            group.name: sorted(one.codename for one in group.permissions.all())
            for group in Group.objects.all()
        },
        "people": {
            user.username: sorted(one.codename for one in user.user_permissions.all())
            for user in User.objects.all()
        },
        "trail": AuditEvent.objects.count(),
    }


def status(code: str) -> int | None:
    """Return the HTTP status that an attempt had, before it was shown alone."""
    return int(code.removeprefix("HTTP ")) if code else None


def deliveries() -> dict[str, Any]:
    from referrals.models import MISCONFIGURED, WRONGLY_SET_UP, Delivery

    found = {}
    for delivery in Delivery.objects.select_related("destination"):
        steps = list(delivery.steps.all())
        version = delivery.versions.get()
        sent = [] if version.document is None else [version.document]
        found[str(delivery.pk)] = {
            "reference": delivery.reference,
            "destination": delivery.destination.name,
            "state": delivery.state,
            "reason": delivery.reason_for_others,
            "message": delivery.message,
            "triggers": delivery.triggers,
            "opened_by": str(version.opened_by_id or ""),
            "external_id": delivery.external_id,
            "missing_files": delivery.missing_files,
            "closed_why": delivery.closed_why,
            "due": delivery.due_at is not None,
            "uncleared": delivery.has_uncleared_error,
            "steps": [
                # What was kept of the sent referral was the first step's then.
                [step.name, step.done_at is not None, step.external_id, bool(sent) and not number]
                for number, step in enumerate(steps)
            ],
            "sent": sent,
            "attempts": [
                [one.number, one.outcome, one.message, one.body, status(one.code)]
                for one in delivery.attempts.all()
            ],
            "cleared": [
                [
                    MISCONFIGURED if one.reason in WRONGLY_SET_UP else one.reason,
                    one.message,
                    one.note,
                ]
                for one in delivery.cleared_errors.all()
            ],
        }
    return found


def run() -> dict[str, int]:
    """Try what is due until nothing is; return how often each reference was brought anywhere."""
    from datetime import timedelta

    from core.database import clock
    from integrations.destinations.crms.transport import CrmsTransport
    from integrations.destinations.demo.transport import DemoTransport
    from integrations.models import Destination
    from integrations.transport import Parcel, Receipt
    from referrals import delivering
    from referrals.models import Delivery, Step

    brought: Counter[str] = Counter()

    def deliver(_: object, parcel: Parcel) -> Receipt:
        def take() -> str:
            brought[parcel.reference] += 1
            return f"NEW-{parcel.reference}"

        return Receipt(parcel.ledger.once("referral", take, lambda: None))

    for destination in Destination.objects.all():
        destination.release()
    with (
        mock.patch.object(CrmsTransport, "deliver", deliver),
        mock.patch.object(DemoTransport, "deliver", deliver),
    ):
        delivering.release_lost()
        for _ in range(4):
            past = clock.now() - timedelta(hours=1)
            Step.objects.filter(done_at=None).update(intended_at=past, searched_at=past)
            Delivery.objects.filter(due_at__isnull=False).update(due_at=past)
            for pk in delivering.due_deliveries(500):
                delivering.run(pk)
    return dict(brought)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

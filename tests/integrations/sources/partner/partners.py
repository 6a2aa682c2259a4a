"""A partner of a webhook destination, as the tests have it."""

import json
from functools import cache
from typing import Any
from unittest.mock import patch

from django.test import Client

from integrations.destinations.webhook.transport import WebhookTransport
from integrations.models import Source, SourceCredential
from integrations.sources.auth import hash_secret
from referrals import delivering
from referrals.models import Delivery
from tests.referrals.api.sender import basic
from tests.world import REFERENCE, World

SECRET = "a-secret-of-a-partner"
ROOT = "/api/v1/partner/referrals"
ONE = f"{ROOT}/{REFERENCE}"
AT_LOOPBACK = {
    "url": "http://127.0.0.1:9/referrals",
    "secrets": "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
}


@cache
def hashed() -> str:
    """Return the hash of the secret; to make it takes time."""
    return hash_secret(SECRET)


def partner_of(world: World, name: str = "partner", updates: str = "allow") -> Source:
    """Return a partner of the world's destination, with a credential."""
    source = Source.objects.create(
        name=name, kind="partner", destination=world.destination, updates=updates
    )
    source.limit_to_its_destination()
    SourceCredential.objects.create(source=source, key=name, secret_hash=hashed())
    return source


def deliver(world: World, **answers: Any) -> Delivery:
    """Carry what is due to a partner that accepts it, or does what is given for `side_effect`."""
    with patch.object(WebhookTransport, "_push", **(answers or {"return_value": "P-1"})):
        for delivery in Delivery.objects.filter(destination=world.destination):
            for _ in range(10):
                if not delivering.run(delivery.pk):
                    break
    return Delivery.objects.filter(destination=world.destination).order_by("opened_at")[0]


def ask(path: str = ONE, who: str = "partner", **headers: str) -> Any:
    return Client().get(path, headers={"Authorization": basic(who, SECRET), **headers})


def say(
    update: Any,
    etag: str | None,
    path: str = ONE,
    who: str = "partner",
    content_type: str = "application/merge-patch+json",
    **headers: str,
) -> Any:
    """PATCH a referral, with the ETag for If-Match unless it is None."""
    body = update if isinstance(update, bytes) else json.dumps(update).encode()
    sent = {"Authorization": basic(who, SECRET), "Content-Type": content_type, **headers}
    if etag is not None:
        sent["If-Match"] = etag
    return Client().generic("PATCH", path, body, content_type=content_type, headers=sent)

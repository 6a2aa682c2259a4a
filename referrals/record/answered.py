"""What partners answered about a referral that they were sent. It stands beside the referral.

Each update is a JSON merge patch (RFC 7396) of the same partner's earlier answers; notes add up.
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from integrations.payload import instant
from referrals.models import Delivery, PartnerUpdate, Version

NOTE, NOTES = "note", "notes"


def updates_of(delivery: Delivery) -> list[PartnerUpdate]:
    """Return what the partner of a delivery's destination answered, in order."""
    return list(delivery.partner_updates.order_by("number"))


def answer(updates: Iterable[PartnerUpdate]) -> dict[str, Any]:
    """Return what updates come to: what still holds, the last note, and every note."""
    now: dict[str, Any] = {}
    notes: list[dict[str, str]] = []
    for update in updates:
        patch: dict[str, Any] = update.patch or {}
        now = patched(now, patch)
        if NOTE in patch:
            notes.append({NOTE: patch[NOTE], "at": instant(update.at)})
        now["updated_at"] = instant(update.at)
    return now | ({NOTES: notes} if notes else {})


def patched(target: Any, patch: Any) -> Any:
    """Return a value changed by a JSON merge patch; null takes a member away."""
    if not isinstance(patch, Mapping):
        return patch
    changed = dict(target) if isinstance(target, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            changed.pop(name, None)
        else:
            changed[name] = patched(changed.get(name), value)
    return changed


def etag(version: Version, updates: list[PartnerUpdate]) -> str:
    """Return the strong ETag of a delivered version and its partner's last update."""
    last = updates[-1].pk if updates else ""
    return f'"{hashlib.sha256(f"{version.pk}/{last}".encode()).hexdigest()[:32]}"'

"""Secrets of second factors: encrypted, and bound to the factor that they belong to.

They stand in a table of django-allauth, so there is no column for a key of ours. A factor's type,
its owner and the moment at which it was made name its row as well: they never change, and are
known before it is stored. So a copied secret is refused, and a whole factor that is given to
another person, too.
"""

from collections.abc import Callable, Iterator
from datetime import UTC
from itertools import chain
from typing import Any

from allauth.mfa.models import Authenticator
from django.db.models.signals import post_init, pre_save
from django.dispatch import receiver

from core import encryption
from core.encryption.rotation import Progress

CONTEXT = "mfa.authenticator.data"
SECRETS = ("secret", "seed", "migrated_codes")  # of an app, of recovery codes, of earlier ones


class _New(str):
    """A secret that was encrypted a moment ago, for a factor that is still to be stored."""


class _Stored(str):
    """A secret as it is stored, with its factor, which `decrypt` is not given otherwise."""

    factor: Authenticator


def encrypt(text: str) -> str:
    """Return the encrypted secret; it is bound to its factor when that is saved."""
    return _New(encryption.encrypt(text.encode(), CONTEXT).decode())


def decrypt(encrypted: str) -> str:
    """Return the secret of a factor; raises UnknownKey or Tampered: also for one of another."""
    if isinstance(encrypted, _New):
        return encryption.decrypt(encrypted.encode(), CONTEXT).decode()
    row = row_of(encrypted.factor) if isinstance(encrypted, _Stored) else None
    return encryption.decrypt_stored(encrypted.encode(), CONTEXT, row).decode()


def row_of(factor: Authenticator) -> str:
    """Return what names the row of a factor."""
    made = factor.created_at.astimezone(UTC).isoformat()
    return f"{factor.type} of user {factor.user_id}, made {made}"


@receiver(post_init, sender=Authenticator)
def note_owner(instance: Authenticator, **_: Any) -> None:
    """Let each secret know its factor."""
    _replace(instance, lambda text: _of(instance, text))


@receiver(pre_save, sender=Authenticator)
def bind(instance: Authenticator, **_: Any) -> None:
    """Bind the secrets to their factor: new ones, and those of before, as far as they are read."""
    _replace(instance, lambda text: _bound(instance, text))


def _bound(factor: Authenticator, text: str) -> str:
    if encryption.is_bound(text.encode()):
        return text
    try:
        return _again(factor, text)
    except encryption.EncryptionError:
        return text  # it stays as it is, refused


def _again(factor: Authenticator, text: str) -> str:
    again = encryption.encrypt(decrypt(text).encode(), CONTEXT, row_of(factor))
    return _of(factor, again.decode())


def _of(factor: Authenticator, text: str) -> str:
    if isinstance(text, _New):
        return text
    stored = _Stored(text)
    stored.factor = factor
    return stored


def _replace(factor: Authenticator, change: Callable[[str], str]) -> None:
    data = factor.__dict__.get("data")  # it may be deferred
    if isinstance(data, dict):
        data |= _changed(data, change)


def _changed(data: dict[str, Any], change: Callable[[str], str]) -> dict[str, Any]:
    """Return the entries that hold secrets, each secret as `change` makes it."""
    changed: dict[str, Any] = {}
    for name in SECRETS:
        stored = data.get(name)
        if isinstance(stored, str):
            changed[name] = change(stored)
        elif isinstance(stored, list):
            changed[name] = [change(text) if isinstance(text, str) else text for text in stored]
    return changed


# -- Writing them anew -----------------------------------------------------------------------------


def renew() -> Iterator[Progress]:
    """Encrypt each secret with the first key, and bind it to its factor.

    For `core.encryption.rotation`.
    """
    rows = Authenticator.objects.order_by("pk")
    progress = Progress(CONTEXT, total=rows.count())
    for row in rows:
        try:
            progress.renewed += _renew(row)
        except encryption.EncryptionError:
            progress.unreadable.append(str(row.pk))
        progress.seen += 1
    yield progress


def _renew(row: Authenticator) -> bool:
    renewed = _changed(row.data, lambda text: text if _is_current(text) else _again(row, text))
    if all(row.data[name] == value for name, value in renewed.items()):
        return False
    unchanged = Authenticator.objects.filter(pk=row.pk, data=row.data)
    return bool(unchanged.update(data=row.data | renewed))


def _is_current(text: str) -> bool:
    return text.encode().startswith(encryption.current_start(bound=True))


def unbound() -> int:
    """Count the factors with a secret that is bound to nobody."""
    return sum(_is_unbound(row) for row in Authenticator.objects.all())


def _is_unbound(row: Authenticator) -> bool:
    stored = (row.data.get(name) or [] for name in SECRETS)
    texts = chain.from_iterable([one] if isinstance(one, str) else one for one in stored)
    return not all(encryption.is_bound(text.encode()) for text in texts)

"""The credentials of a source: those that the file lists are active, no others."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from core.compare import Effect
from integrations.configuration.applying import Run
from integrations.configuration.problems import Path
from integrations.configuration.rows import REASON, Refused
from integrations.models import Source, SourceCredential
from integrations.sources.auth import hash_secret, verify_secret

Scheme = SourceCredential.Scheme


def apply_basic(run: Run, source: Source, entries: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Make these the HTTP Basic credentials of the source; the others are switched off."""
    for index, entry in enumerate(entries):
        with run.part((*path, index), "key", entry["key"]):
            _put_basic(run, source, entry["key"], entry["secret"])
    kept = [entry["key"] for entry in entries]
    _switch_off(run, source.credentials.filter(scheme=Scheme.BASIC).exclude(key__in=kept))


def _put_basic(run: Run, source: Source, key: str, secret: str) -> None:
    if ":" in key:
        raise Refused((("key",), _("a key id has no colon in it: HTTP Basic ends it there")))
    found = SourceCredential.objects.filter(scheme=Scheme.BASIC, key=key).first()
    if found and found.source_id != source.pk:
        text = _("this key id belongs to source “{source}”")
        raise Refused((("key",), text.format(source=found.source)))
    credential = found or SourceCredential(source=source, scheme=Scheme.BASIC, key=key)
    # A new hash of the same secret would differ: it is made only for a new secret.
    same = found is not None and verify_secret(secret, found.secret_hash)
    if not same:
        credential.secret_hash = hash_secret(secret)
    _keep(run, credential, changed=not same)


def apply_signing_secrets(run: Run, source: Source, secrets: Sequence[str], path: Path) -> None:
    """Make these the signing secrets of the source; the others are switched off."""
    stored = {
        credential.signing_secret: credential
        for credential in source.credentials.filter(scheme=Scheme.SIGNATURE)
    }
    for index, secret in enumerate(secrets):
        with run.part((*path, index), "signing secret", str(source), f"number {index + 1}"):
            new = SourceCredential(source=source, scheme=Scheme.SIGNATURE, signing_secret=secret)
            _keep(run, stored.get(secret, new), changed=False)
    others = [row.pk for secret, row in stored.items() if secret not in secrets]
    _switch_off(run, source.credentials.filter(pk__in=others))


def _keep(run: Run, credential: SourceCredential, *, changed: bool) -> None:
    """Save the credential as an active one, if it is not that already."""
    created = credential.pk is None
    if not created and not changed and credential.active:
        run.count(credential, Effect.UNCHANGED)
        return
    credential.active = True
    _save(credential)
    run.count(credential, Effect.CREATED if created else Effect.CHANGED)


def _switch_off(run: Run, credentials: "QuerySet[SourceCredential]") -> None:
    for credential in credentials.filter(active=True):
        credential.active = False
        _save(credential)
        run.count(credential, Effect.CHANGED)


def _save(credential: SourceCredential) -> None:
    credential._change_reason = REASON  # type: ignore[attr-defined]  # simple-history reads it
    credential.save()

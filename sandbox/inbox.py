"""The referral inbox: what was taken in, each thing under its id and its idempotency key."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from secrets import randbelow
from threading import RLock
from typing import Any

from sandbox.ledger import ATTACHMENT, REFERRAL, Ledger
from sandbox.uploads import Upload


class AlreadyExists(Exception):
    """The inbox has a referral with this external reference."""

    def __init__(self, referral: "Referral") -> None:
        super().__init__(referral.id)
        self.referral = referral


class NoSuchReferral(Exception):
    """No referral has this id."""


class KeyReused(Exception):
    """The idempotency key was used before, for another referral or another call."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file of a referral. `content` is None when it was read back from the ledger."""

    id: str
    referral_id: str
    external_reference: str
    category: str
    sha256: str
    size: int
    idempotency_key: str
    received_at: datetime
    filename: str = field(default="", repr=False)
    content_type: str = ""
    content: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Referral:
    """A referral of the inbox. `body` is empty when it was read back from the ledger."""

    id: str
    external_reference: str
    idempotency_key: str
    received_at: datetime
    body: Mapping[str, Any] = field(default_factory=dict, repr=False)
    attachments: list[StoredFile] = field(default_factory=list, repr=False)
    status: str = "inbox"

    @property
    def email(self) -> str:
        client = self.body.get("client") or {}
        return client.get("email") or ""


class Inbox:
    """Takes referrals and their files in; safe to use from many threads.

    What takes effect is in the ledger before it is in memory, and a later sandbox with the same
    ledger knows its ids, references, hashes and keys again.
    """

    def __init__(
        self, ledger: Ledger, *, idempotency: bool = True, allow_duplicates: bool = False
    ) -> None:
        self._ledger = ledger
        self._idempotency = idempotency
        self._allow_duplicates = allow_duplicates
        self._lock = RLock()
        self._referrals: dict[str, Referral] = {}
        self._by_reference: defaultdict[str, list[Referral]] = defaultdict(list)
        self._files: dict[str, StoredFile] = {}
        self._by_key: dict[str, Referral | StoredFile] = {}
        # A sandbox that has forgotten everything does not give its old ids to other referrals.
        self._last_number = 10_000 + 100 * randbelow(900)
        for entry in ledger.entries():
            self._take_back(entry)

    # -- Taking in ---------------------------------------------------------------------------

    def create(self, body: Mapping[str, Any], key: str) -> Referral:
        """Return the new referral, or the one that this key created before.

        Raises AlreadyExists and KeyReused.
        """
        reference = body["external_reference"]
        with self._lock:
            known = self._known_by(key)
            if isinstance(known, Referral) and known.external_reference == reference:
                return known
            if known is not None:
                raise KeyReused
            for earlier in self.with_reference(reference):
                if not self._allow_duplicates:
                    raise AlreadyExists(earlier)
            referral = Referral(self._next_id("RF"), reference, key, datetime.now(UTC), body)
            self._ledger.append(_line(REFERRAL, referral))
            self._keep_referral(referral)
            return referral

    def attach(self, referral_id: str, upload: Upload, key: str) -> StoredFile:
        """Return the stored file, or the one that this key stored before.

        Raises NoSuchReferral and KeyReused.
        """
        with self._lock:
            known = self._known_by(key)
            if isinstance(known, StoredFile) and known.referral_id == referral_id:
                return known
            if known is not None:
                raise KeyReused
            referral = self.get(referral_id)
            stored = StoredFile(
                id=self._next_id("AT"),
                referral_id=referral.id,
                external_reference=referral.external_reference,
                category=upload.category,
                sha256=upload.sha256,
                size=len(upload.content),
                idempotency_key=key,
                received_at=datetime.now(UTC),
                filename=upload.filename,
                content_type=upload.content_type,
                content=upload.content,
            )
            self._ledger.append(_line(ATTACHMENT, stored))
            self._keep_file(stored)
            return stored

    def clear(self) -> None:
        """Forget everything, in the ledger too; ids are not given again."""
        with self._lock:
            self._ledger.clear()
            self._referrals.clear()
            self._by_reference.clear()
            self._files.clear()
            self._by_key.clear()

    # -- Looking up --------------------------------------------------------------------------

    def get(self, referral_id: str) -> Referral:
        """Return a referral; raises NoSuchReferral."""
        with self._lock:
            try:
                return self._referrals[referral_id]
            except KeyError:
                raise NoSuchReferral from None

    def file(self, file_id: str) -> StoredFile | None:
        with self._lock:
            return self._files.get(file_id)

    def with_reference(self, reference: str, *, settled_for: float = 0) -> list[Referral]:
        """Return a reference's referrals that are at least so many seconds old, oldest first."""
        latest = datetime.now(UTC) - timedelta(seconds=settled_for)
        with self._lock:
            known = list(self._by_reference.get(reference, ()))
        return [referral for referral in known if referral.received_at <= latest]

    def referrals(self) -> list[Referral]:
        """Return all referrals, newest first."""
        with self._lock:
            return list(reversed(self._referrals.values()))

    def count(self) -> dict[str, int]:
        with self._lock:
            return {"referrals": len(self._referrals), "attachments": len(self._files)}

    # -- Inside --------------------------------------------------------------------------------

    def _known_by(self, key: str) -> Referral | StoredFile | None:
        return self._by_key.get(key) if self._idempotency and key else None

    def _next_id(self, prefix: str) -> str:
        self._last_number += 1
        return f"{prefix}-{self._last_number}"

    def _keep_referral(self, referral: Referral) -> None:
        self._referrals[referral.id] = referral
        self._by_reference[referral.external_reference].append(referral)
        self._by_key[referral.idempotency_key] = referral

    def _keep_file(self, stored: StoredFile) -> None:
        self._referrals[stored.referral_id].attachments.append(stored)
        self._files[stored.id] = stored
        self._by_key[stored.idempotency_key] = stored

    def _take_back(self, entry: dict[str, Any]) -> None:
        applied = entry.pop("applied")
        entry["received_at"] = datetime.fromisoformat(entry.pop("at"))
        number = int(entry["id"].partition("-")[2])
        self._last_number = max(self._last_number, number)
        if applied == REFERRAL:
            self._keep_referral(Referral(**entry))
        else:
            self._keep_file(StoredFile(**entry))


_LEDGER_FIELDS = (
    "id",
    "referral_id",
    "external_reference",
    "category",
    "sha256",
    "size",
    "idempotency_key",
)


def _line(applied: str, thing: Referral | StoredFile) -> dict[str, Any]:
    known = {name: getattr(thing, name) for name in _LEDGER_FIELDS if hasattr(thing, name)}
    return {"applied": applied, **known, "at": thing.received_at.isoformat()}

"""Whom a referral is about, to be found by the whole name, which is kept as digests only.

Accents, case, punctuation and the order of the words do not matter. The names of a referral change
in the transaction in which its snapshot does.
"""

import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any, cast
from uuid import UUID

from django.db import transaction

from core import encryption
from core.encryption import blind
from core.encryption.rotation import Progress
from mapping.source.document import Registrant
from referrals.models import Referral, RegistrantName
from referrals.record import snapshot

CONTEXT = "referrals.registrantname"
BATCH = 200
# Letters that have no accent to take off, as people write them who do not have them.
PLAIN = str.maketrans(
    {"đ": "d", "ð": "d", "ø": "o", "ł": "l", "ı": "i", "þ": "th", "æ": "ae", "œ": "oe"}
)
JOINING = str.maketrans("", "", "'’‘`ʼ.")  # L'Écuyer is found as Lecuyer, St. John as St John


def find(name: str) -> list[str]:
    """Return the digests under which a referral of this name is known; none for no name."""
    words = normalized(name)
    return blind.digests(words, CONTEXT) if words else []


def index(referral: Referral, *, is_new: bool = False) -> None:
    """Write under which names the referral is found now. Must run where the snapshot is saved.

    One that `is_new` has none yet.
    """
    wanted = set(digests_of(cast(snapshot.Snapshot, referral.snapshot)))
    known = set() if is_new else set(referral.names.values_list("key_id", "digest"))
    if gone := known - wanted:
        referral.names.filter(digest__in=[digest for _, digest in gone]).delete()
    RegistrantName.objects.bulk_create(
        RegistrantName(referral=referral, key_id=key_id, digest=digest)
        for key_id, digest in wanted - known
    )


def digests_of(known: snapshot.Snapshot) -> Iterator[tuple[str, str]]:
    """Return, with the id of the key, a digest of each name that the snapshot gives."""
    registrant = snapshot.view(known).get("registrant", Registrant())
    for words in {normalized(name) for name in _names(registrant)} - {""}:
        yield blind.digest(words, CONTEXT)


def normalized(name: str) -> str:
    """Return the words of a name as they are compared: plain small letters, in their order."""
    folded = name.casefold().translate(PLAIN).translate(JOINING)
    letters = (c for c in unicodedata.normalize("NFKD", folded) if not unicodedata.combining(c))
    words = "".join(c if c.isalnum() else " " for c in letters)
    return " ".join(sorted(words.split()))


def _names(registrant: Registrant) -> Iterable[str]:
    first, middle, last = (
        str(registrant.get(part) or "") for part in ("first_name", "middle_name", "last_name")
    )
    others = registrant.get("other_names", [])
    whole = [f"{first} {last}", f"{first} {middle} {last}"] if first or last else []
    return [*whole, *others, *(f"{other} {last}" for other in others)]


# -- After a change of keys ------------------------------------------------------------------------


def renew() -> Iterator[Progress]:
    """Write again, with the first key, what has another one; yields the progress."""
    old = RegistrantName.objects.exclude(key_id=encryption.keyring().primary)
    progress = Progress(CONTEXT, total=old.values("referral").distinct().count())
    while batch := _next(old, progress.unreadable):
        for referral_id in batch:
            progress.seen += 1
            try:
                with transaction.atomic():
                    index(Referral.objects.select_for_update(of=("self",)).get(pk=referral_id))
                progress.renewed += 1
            except encryption.EncryptionError:
                progress.unreadable.append(str(referral_id))
        yield progress


def _next(old: Any, passed_over: list[str]) -> list[UUID]:
    remaining = old.exclude(referral__in=passed_over).order_by("referral")
    return list(remaining.values_list("referral", flat=True).distinct()[:BATCH])

"""A referral as a document: what its snapshot shows, under the names that are used here."""

from collections.abc import Iterable
from typing import cast

from integrations.sources.parsed import ParsedEvent
from integrations.sources.warnings import Warning
from mapping.source.document import Document, Named, Warned
from mapping.source.masking import masked
from referrals.models import Referral
from referrals.record import snapshot
from referrals.record.files import Arrived


def document_of(referral: Referral) -> Document:
    """Return the source document that mappings and the summary read.

    The reference is the one that staff know the referral by, and a listing or organization that is
    set up here goes by its name here: a message may bring only an id.
    """
    document = snapshot.view(referral.snapshot)
    document["reference"] = referral.reference
    if referral.listing:
        document["listing"] = Named(id=referral.listing.caredove_id, name=referral.listing.name)
    if referral.organization:
        document["organization"] = Named(
            id=referral.organization.caredove_id, name=referral.organization.name
        )
    return document


def document_of_message(parsed: ParsedEvent, came: Iterable[Arrived]) -> Document:
    """Return what a message says, with where it belongs and which bytes its files have."""
    document = cast(Document, dict(parsed.document))
    for key, identity, name in (
        ("listing", parsed.listing_id, parsed.listing_name),
        ("organization", parsed.organization_id, parsed.organization_name),
    ):
        if identity or name:
            sent = cast(Named, document.get(key, {})).get("id", identity)  # whole, if it is long
            document[key] = Named(id=sent, name=name)  # type: ignore[literal-required]
    document["aliases"] = list(parsed.aliases)
    document["parts"] = list(parsed.parts)
    document["warned"] = [_warned(warning) for warning in parsed.warnings if _is_of_fields(warning)]
    if hashes := {file.parsed.key: file.sha256 for file in came if file.sha256}:
        document["attachments"] = [
            {**attachment, "sha256": hashes[key]}
            if (key := attachment.get("key", "")) in hashes
            else attachment
            for attachment in document.get("attachments", [])
        ]
    return document


# The files themselves, and what was withdrawn, say whether these are still true.
_OF_FILES, _OF_WITHDRAWALS = "file_", "withdrawn_unknown"


STANDING = ("subject_missing", "request_withdrawn")  # until the referral itself is in order
_OF_THE_REFERRAL = ("-",)  # a part that no message has


def _is_of_fields(warning: Warning) -> bool:
    return not (warning.cause.startswith(_OF_FILES) or warning.cause == _OF_WITHDRAWALS)


def _warned(warning: Warning) -> Warned:
    kept = Warned(field=warning.field, cause=warning.cause, is_quoted=bool(warning.text))
    if warning.path:
        kept["path"] = warning.path
    if parts := _OF_THE_REFERRAL if warning.cause in STANDING else warning.parts:
        kept["parts"] = list(parts)
    return kept


def masked_document_of(referral: Referral) -> Document:
    """Return the same without a word about its people, for those who may not see them."""
    names = (
        (part.name, part.caredove_id) for part in (referral.organization, referral.listing) if part
    )
    return masked(document_of(referral), frozenset(text for pair in names for text in pair))

"""A referral as a document: what its snapshot shows, under the names that are used here."""

from mapping.document import Document, Named
from mapping.masking import masked
from referrals import snapshot
from referrals.models import Referral


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


def masked_document_of(referral: Referral) -> Document:
    """Return the same without a word about its people, for those who may not see them."""
    said = (
        (part.name, part.caredove_id) for part in (referral.organization, referral.listing) if part
    )
    return masked(document_of(referral), frozenset(text for pair in said for text in pair))

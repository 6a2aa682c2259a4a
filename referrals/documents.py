"""A referral as a document: what its snapshot shows, under the names that are used here."""

from mapping.document import Document, Named
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

"""The summary that goes with a referral: rendered once, and stored.

It is rendered in another process, beside whatever the attempt does meanwhile.
"""

from functools import cached_property
from hashlib import sha256

from django.conf import settings
from django.core.files.base import ContentFile
from django.db import IntegrityError, transaction

from core.database.clock import Now
from core.text.spoken import ENGLISH
from mapping.source.document import Document
from referrals.models import Referral, StoredSummary
from referrals.record import files
from referrals.summary import pdf


class ComingSummary:
    """A summary that is stored already, or is being rendered since this was made.

    Its file is written before its row: `insert` adds that to a transaction of the caller's, and
    `store` has one of its own.
    """

    def __init__(self, referral: Referral, document: Document) -> None:
        context = _context(referral, document)
        self._referral = referral
        self._fingerprint = pdf.fingerprint(document, context)
        known = StoredSummary.objects.filter(**self._unique).first()
        self.is_saved = known is not None
        if known is not None:
            self.row = known
        else:
            self._rendered = pdf.begin(document, context)

    @cached_property
    def row(self) -> StoredSummary:
        """Its row, whose file is written. Waits while it is being rendered."""
        rendered = self._rendered()
        row = StoredSummary(
            **self._unique,
            sha256=sha256(rendered.content).hexdigest(),
            size=len(rendered.content),
            plain=rendered.plain,
            missing_glyphs=list(rendered.missing_glyphs),
            rendered_at=Now(),
        )
        row.stored_as = files.storage.save_for(row, "summaries", ContentFile(rendered.content))
        return row

    def insert(self) -> None:
        """Insert the row, unless somebody has previewed the same one meanwhile.

        Once that is committed, `is_saved` is to be set.
        """
        StoredSummary.objects.bulk_create([self.row], ignore_conflicts=True)

    def store(self) -> StoredSummary:
        """Return its row, which is saved."""
        if not self.is_saved:
            try:
                with transaction.atomic():
                    self.row.save(force_insert=True)
            except IntegrityError:  # somebody previewed it at this moment
                files.storage.delete(self.row.stored_as)
                self.row = StoredSummary.objects.get(**self._unique)
            self.is_saved = True
        return self.row

    @property
    def _unique(self) -> dict[str, object]:
        return {"referral": self._referral, "fingerprint": self._fingerprint}


def store_summary(referral: Referral, document: Document) -> StoredSummary:
    """Return the referral's summary, rendered only when this very one was never rendered."""
    return ComingSummary(referral, document).store()


def _context(referral: Referral, document: Document) -> pdf.SummaryContext:
    organization = referral.organization
    return pdf.SummaryContext(
        organization_name=document.get("organization", {}).get("name", ""),
        listing_name=document.get("listing", {}).get("name", ""),
        time_zone=organization.time_zone if organization else settings.TIME_ZONE,
        language=organization.language if organization else ENGLISH,
    )

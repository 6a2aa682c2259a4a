"""What a person has to correct in a destination: something that is there, and should not be.

A destination takes no updates. The import is flagged, says what to correct, and goes on otherwise.
"""

from collections.abc import Iterable

from core import clock
from referrals.models import ImportJob


def add(jobs: Iterable[ImportJob], sentence: str) -> None:
    """Flag imports with what is to be corrected in their destination, each sentence once.

    The jobs must be as they are in the database. The sentence may hold personal data.
    """
    for job in jobs:
        if sentence in job.corrections:
            continue
        job.corrections = [*job.corrections, sentence]
        ImportJob.objects.filter(pk=job.pk).update(
            corrections=job.corrections,
            needs_correction=True,
            error_at=clock.now(),
            error_cleared_at=None,
            error_cleared_by=None,
        )

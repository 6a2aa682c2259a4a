"""In which language what is made for an organization speaks."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.utils import translation

from core.text import sentences

BOTH = "both"
ENGLISH, FRENCH = "en-ca", "fr-ca"


@contextmanager
def spoken(language: str) -> Iterator[None]:
    """Make what is made within it in a language; for `BOTH`, in English with terms in both."""
    with translation.override(ENGLISH if language == BOTH else language):
        if language != BOTH:
            yield
            return
        with sentences.side_by_side(_french):
            yield


def _french(text: str) -> str:
    with translation.override(FRENCH):
        return translation.gettext(text)

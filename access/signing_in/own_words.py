"""Passwords that are easy to guess for whoever knows which portal this is."""

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

# docs/signing-in.md lists them.
WORDS = ("dovetail", "caredove", "crms", "referral", "aiguillage", "portal", "portail", "password")
LEFT = 8  # characters that have to be there beside them


class OwnWordsValidator:
    """Refuses a password of little more than this portal's own words, and its host's name."""

    def validate(self, password: str, user: Any = None) -> None:
        """Raise ValidationError for such a password."""
        rest = password.casefold()
        for word in sorted({*WORDS, *_hosts()}, key=len, reverse=True):
            rest = rest.replace(word, "")
        if len(rest) < LEFT and len(rest) < len(password):
            raise ValidationError(self.get_help_text(), code="own_words")

    def get_help_text(self) -> str:
        return _("Your password can’t be made of the name of this portal and its own words.")


def _hosts() -> set[str]:
    """Return the words of the portal's host names, but short ones."""
    words = (word for host in settings.ALLOWED_HOSTS for word in host.casefold().split("."))
    return {word for word in words if len(word) >= 4 and not word.isdigit()}

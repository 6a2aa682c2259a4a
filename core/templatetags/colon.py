"""A colon behind a label, as the reader's language sets it."""

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

register = template.Library()


@register.filter
def colon(label: object) -> SafeString:
    """Return the label with its colon: French has a space before it that does not break."""
    return format_html(_("{}:"), label)

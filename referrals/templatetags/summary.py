"""How a text of the summary is set."""

from django import template

from referrals.rendering import fonts

register = template.Library()


@register.filter
def typeface(text: str) -> str:
    """Return the classes of summary.css that the text needs: extended, rtl, both or none."""
    classes = {"extended": fonts.is_extended(text), "rtl": fonts.is_right_to_left(text)}
    return " ".join(name for name, needed in classes.items() if needed)

"""How a text of the summary is set."""

from django import template

from referrals.summary.rendering import fonts

register = template.Library()


PHRASE = 60  # characters: about one line


@register.filter
def typeface(text: str) -> str:
    """Return the classes of summary.css that the text needs: often none."""
    right_to_left = fonts.is_right_to_left(text)
    classes = {
        "extended": fonts.is_extended(text),
        "rtl": right_to_left,
        "phrase": right_to_left and len(text) <= PHRASE,
    }
    return " ".join(name for name, needed in classes.items() if needed)

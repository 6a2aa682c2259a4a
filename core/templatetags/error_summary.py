"""What is wrong with the forms of a page, in one place on top: `{% error_summary form %}`."""

from collections.abc import Iterator
from typing import Any

from django import template
from django.forms import MultiWidget
from django.utils.text import capfirst
from django.utils.translation import gettext

register = template.Library()


@register.inclusion_tag("admin/error_summary.html")
def error_summary(*forms: Any, lead: str | None = None) -> dict[str, Any]:
    """Show the errors of forms, formsets and lists of them, each with a link to its field.

    Shows nothing where there are none. `lead` is the sentence before them; an empty one leaves it
    out.
    """
    errors = [error for form in forms if form for error in _errors_of(form)]
    if lead is None:
        lead = gettext("Nothing is saved yet. Please correct:")
    return {"errors": errors, "lead": lead}


def _errors_of(form: Any, of: str = "") -> Iterator[dict[str, str]]:
    """Yield each error with the label and the id of its field; `of` names what the form is of."""
    if hasattr(form, "non_field_errors"):
        yield from ({"text": text} for text in form.non_field_errors())
        for field in form:
            label, target = f"{of}{field.label}", _target(field)
            yield from ({"text": text, "label": label, "target": target} for text in field.errors)
    elif hasattr(form, "formset"):  # an inline of the admin
        yield from _errors_of(form.formset, f"{capfirst(form.opts.verbose_name)}, ")
    else:  # a formset, or a list
        yield from ({"text": text} for text in getattr(form, "non_form_errors", list)())
        for part in form:
            yield from _errors_of(part, of)


def _target(field: Any) -> str:
    first = "_0" if isinstance(field.field.widget, MultiWidget) else ""
    return field.id_for_label or f"{field.auto_id}{first}"

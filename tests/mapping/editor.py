"""The mapping editor as somebody uses it in a browser without JavaScript."""

from typing import Any

from django.test import Client
from django.urls import reverse

from mapping.models import Mapping
from tests.forms import form_on

Posted = dict[str, list[str]]


def url_of(mapping: Mapping) -> str:
    return reverse("admin:mapping_mapping_change", args=[mapping.pk])


def opened(client: Client, mapping: Mapping) -> Posted:
    """What a browser posts when somebody opens the page and presses Save."""
    return form_on(client.get(url_of(mapping)))


def place_of(posted: Posted, target: str) -> str:
    """The beginning of the names of the fields for a target's rule."""
    (name,) = (name for name, value in posted.items() if value == [target])
    return name.removesuffix("target")


def with_rule(posted: Posted, target: str, *sources: str, **fields: Any) -> Posted:
    """The form with other sources for a target, and other fields of its rule, `use_0="date"`."""
    prefix = place_of(posted, target)
    changed = {f"{prefix}{name.replace('_', '-')}": [str(value)] for name, value in fields.items()}
    return posted | {f"{prefix}sources": [*sources, ""]} | changed


def save(client: Client, mapping: Mapping, posted: Posted) -> Any:
    return client.post(url_of(mapping), posted)


def form_of(response: Any) -> Any:
    return response.context["adminform"].form

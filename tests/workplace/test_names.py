"""What the pages call models, fields, columns and actions is in the reader's language."""

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.db.models import Field, Model
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import trans_real

import config.urls  # noqa: F401 - with them, every page of the admin is there
from workplace.names import OURS

SAME_IN_BOTH = {"ID", "English", "Français", "SHA-256"}


def test_every_name_on_a_page_is_marked_and_has_a_translation() -> None:
    catalog = trans_real.translation("fr-ca")
    untranslated = []
    for where, text in shown():
        with translation.override("en-ca"):
            english = str(text)
        if not english or english in SAME_IN_BOTH:
            continue
        if not isinstance(text, Promise):
            untranslated.append(f"{where}: “{english}” is not marked")
        elif catalog._catalog.get(english) is None:  # type: ignore[attr-defined]
            untranslated.append(f"{where}: “{english}” is in no catalog")
    assert not untranslated, "\n".join(untranslated)


def shown() -> Iterator[tuple[str, Any]]:
    """Yield each text that the pages of models show of themselves, and where it stands."""
    for model, model_admin in admin.site._registry.items():
        if model._meta.app_label not in OURS:
            continue
        yield from _of_model(model)
        for inline in model_admin.inlines:
            yield from _of_model(inline.model)
        yield from _of_admin(model, model_admin)


def _of_model(model: type[Model]) -> Iterator[tuple[str, Any]]:
    label = model._meta.label
    yield label, model._meta.verbose_name
    yield label, model._meta.verbose_name_plural
    fields: list[Field[Any, Any]] = [*model._meta.local_fields, *model._meta.local_many_to_many]
    for field in fields:
        yield f"{label}.{field.name}", field.verbose_name
        yield f"{label}.{field.name}", field.help_text
        for _key, name in field.flatchoices:
            yield f"{label}.{field.name}", name


def _of_admin(model: type[Model], model_admin: Any) -> Iterator[tuple[str, Any]]:
    label = model._meta.label
    yield label, model_admin.search_help_text or ""
    for name in (*model_admin.list_display, *model_admin.readonly_fields, *model_admin.actions):
        found = getattr(model_admin, name, None) if isinstance(name, str) else name
        yield f"{label}: {name}", getattr(found, "short_description", "")

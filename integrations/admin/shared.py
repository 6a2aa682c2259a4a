"""What the pages of configuration have in common: a history without secrets, and tools."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse
from simple_history.admin import SimpleHistoryAdmin
from simple_history.template_utils import HistoricalRecordContextHelper

from access.scoped import ScopedAdmin

HIDDEN = "hidden"


@dataclass(frozen=True, slots=True)
class Tool:
    """A button above a form. One that does something posts, with the data that it is given."""

    label: str
    url: str
    post: bool = False
    data: Mapping[str, str] = field(default_factory=dict)


class SecretFreeChanges(HistoricalRecordContextHelper):  # type: ignore[misc]
    """Says that a secret was changed, and neither what it was nor what it is."""

    secret_fields: Iterable[str] = ()

    def stringify_delta_change_values(self, change: Any, old: Any, new: Any) -> tuple[Any, Any]:
        if change.field in self.secret_fields:
            return HIDDEN, HIDDEN
        shown: tuple[Any, Any] = super().stringify_delta_change_values(change, old, new)
        return shown


class ConfigurationAdmin(ScopedAdmin, SimpleHistoryAdmin):  # type: ignore[misc]
    """A model whose changes are kept and shown, and not put back: nobody sees an old secret."""

    secret_fields: ClassVar[tuple[str, ...]] = ()
    object_history_list_template = "admin/history_list.html"

    def tools(self, request: HttpRequest, obj: Any) -> list[Tool]:
        """Return the buttons above the form of an object."""
        return []

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        obj: Model | None = kwargs.get("obj")
        context["tools"] = self.tools(request, obj) if obj else []
        response: HttpResponse = super().render_change_form(request, context, *args, **kwargs)
        return response

    def revert_disabled(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    def history_form_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        raise Http404

    def get_historical_record_context_helper(
        self, request: HttpRequest, historical_record: Any
    ) -> SecretFreeChanges:
        shown = SecretFreeChanges(self.model, historical_record)
        shown.secret_fields = self.secret_fields
        return shown

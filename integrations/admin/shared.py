"""What the pages of configuration have in common: a history without secrets, and tools."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from simple_history.admin import SimpleHistoryAdmin

from access.scoped import ScopedAdmin
from core import audit
from core.compare import Effect, Outdated, agreed
from integrations.history import changes, putting_back
from integrations.history.putting_back import NotPutBack
from integrations.history.sorts import SORTS


@dataclass(frozen=True, slots=True)
class Tool:
    """A button above a form. One that does something posts, with the data that it is given."""

    label: str
    url: str
    post: bool = False
    data: Mapping[str, str] = field(default_factory=dict)


class PutBackForm(forms.Form):
    """Why a version is put back; `seen` is the digest of what that would change."""

    note = forms.CharField(
        max_length=100, required=False, help_text=_("Why, for whoever reads the history later.")
    )
    seen = forms.CharField(widget=forms.HiddenInput)


class ConfigurationAdmin(ScopedAdmin, SimpleHistoryAdmin):  # type: ignore[misc]
    """A model whose changes are kept, shown without secrets, and put back without them."""

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

    # -- History -----------------------------------------------------------------------------------

    def revert_disabled(self, request: HttpRequest, obj: Any = None) -> bool:
        return True  # simple-history's own way shows a form with the old secrets in it

    def set_history_delta_changes(self, request: HttpRequest, page: Any, **_: Any) -> None:
        """Give each record of the page its change; the last one's predecessor is on the next."""
        records = list(page)
        if not records:
            return
        first = type(records[-1]).objects.filter(
            id=records[-1].id, history_id__lt=records[-1].history_id
        )
        befores = [*records[1:], first.first()]
        for record, before in zip(records, befores, strict=True):
            record.change = changes.change_of(record, before)
        page.object_list = records

    def history_form_view(
        self, request: HttpRequest, object_id: str, version_id: str, extra_context: Any = None
    ) -> HttpResponse:
        """Show what putting this version back would change; do it, when that was posted."""
        record = self._record(request, unquote(object_id), version_id)
        form = PutBackForm(request.POST if request.method == "POST" else None)
        may = self._may_put_back(request, record)
        if form.is_bound and form.is_valid():
            if not may:
                raise PermissionDenied
            with suppress(Outdated):
                return self._put_back(request, record, **form.cleaned_data)
        return self._version_page(request, record, may, form)

    def _record(self, request: HttpRequest, object_id: str, version_id: str) -> Any:
        pk = self.model._meta.pk
        try:
            keys = {"id": pk.to_python(object_id), "history_id": int(version_id)}
        except (ValidationError, ValueError):
            raise Http404 from None
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        return get_object_or_404(self.limited_history(request, SORTS[self.model].records), **keys)

    def _may_put_back(self, request: HttpRequest, record: Any) -> bool:
        row = self.model._default_manager.filter(pk=record.id).first()
        if row is None:
            return bool(self.has_add_permission(request))
        return bool(self.has_change_permission(request, row))

    def _version_page(
        self, request: HttpRequest, record: Any, may: bool, form: PutBackForm
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("An earlier version of {name}").format(
                name=SORTS[self.model].name(record)
            ),
            "opts": self.model._meta,
            "record": record,
            "may_put_back": may,
            "changed_meanwhile": form.is_bound and form.is_valid(),
        }
        try:
            row = putting_back.would_change(record)
            note = form.data.get("note", "")
            context["form"] = PutBackForm(initial={"seen": row.digest(), "note": note})
            context["deleted"] = row.effect is Effect.CREATED
            context["differences"] = row.differences
        except NotPutBack as refused:
            context["refused"] = refused.message
        return TemplateResponse(request, "admin/version.html", context)

    def _put_back(self, request: HttpRequest, record: Any, seen: str, note: str) -> HttpResponse:
        here = request.get_full_path()
        day = date_format(localtime(record.history_date), "DATETIME_FORMAT")
        rows = self.model._default_manager.filter(pk=record.id)
        try:
            with agreed(seen, partial(putting_back.would_change, record), rows):
                row = putting_back.put_back(
                    record, note or gettext("the version of {day} again").format(day=day)
                )
        except NotPutBack as refused:
            self.message_user(request, refused.message, messages.ERROR)
            return HttpResponseRedirect(here)
        audit.record(request, "put back", row, version=record.pk)
        self.message_user(
            request,
            gettext("{row} is as it was on {day}.").format(row=row, day=day),
            messages.SUCCESS,
        )
        opts = self.model._meta
        name = f"admin:{opts.app_label}_{opts.model_name}_change"
        return HttpResponseRedirect(reverse(name, args=[row.pk]))

"""Mappings in the admin: the editor, their versions and their test cases.

The preview beside the editor is a screen of the workplace (`admin:mapping_preview`): it shows
referrals, which are above mappings.
"""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.forms import Media
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.http import urlencode
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from access import scope
from access.filters import labeled_by
from access.scoped import ScopedAdmin
from core import audit
from mapping.editing import editor, exchange, testing, versions
from mapping.editing.forms import MappingForm, NewMappingForm
from mapping.editing.wording import field_in_words
from mapping.engine.targets import kind_label, takes_any, target_fields
from mapping.models import Mapping, MappingVersion
from mapping.source import catalogue
from mapping.source.samples import samples

TEMPLATES = "admin/mapping"


@admin.register(Mapping)
class MappingAdmin(ScopedAdmin):
    """Mappings; the shipped ones are there to read and to copy."""

    organization_path = "organization"
    shared = True
    form = MappingForm
    fields = ["name", "note", "base"]
    change_form_template = f"{TEMPLATES}/editor.html"
    list_display = ["name", "shown_kind", "owner", "changed_at"]
    list_filter = [("destination_kind", labeled_by(kind_label)), "shipped", "organization"]
    list_select_related = ["organization"]
    search_fields = ["name"]
    actions = ["copy"]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed: bool = super().has_change_permission(request, obj)
        return allowed and not (obj and obj.shipped)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed: bool = super().has_delete_permission(request, obj)
        return allowed and not (obj and obj.shipped)

    @admin.display(description=_("destination kind"), ordering="destination_kind")
    def shown_kind(self, mapping: Mapping) -> str:
        return kind_label(mapping.destination_kind)

    @admin.display(description=_("organization"), ordering="organization__name")
    def owner(self, mapping: Mapping) -> str:
        if mapping.shipped:
            return gettext("Every organization; ships with Dovetail")
        return str(mapping.organization or gettext("Every organization"))

    @admin.action(description=_("Copy the selected mapping"), permissions=["add"])
    def copy(self, request: HttpRequest, queryset: QuerySet[Mapping]) -> HttpResponse | None:
        chosen = list(queryset[:2])
        if len(chosen) == 1:
            return HttpResponseRedirect(copy_url(chosen[0]))
        self.message_user(request, gettext("Choose one mapping to copy."), messages.WARNING)
        return None

    # -- A new one -----------------------------------------------------------------------------

    def add_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Ask what to begin with, and open the copy in the editor."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = self._new_form(request)
        if request.method == "POST" and form.is_valid():
            given = form.cleaned_data
            added = exchange.copy_mapping(
                given["start"], given["organization"], given["name"], request.user
            )
            self.log_addition(request, added, "Added.")
            self.message_user(
                request, gettext("“{name}” was added.").format(name=added.name), messages.SUCCESS
            )
            return HttpResponseRedirect(_url("change", added.pk))
        return self._page(request, "new", gettext("Add mapping"), form=form)

    def _new_form(self, request: HttpRequest) -> NewMappingForm:
        start = self.get_queryset(request).filter(pk=_number(request.GET.get("start"))).first()
        organizations: Any = Mapping._meta.get_field("organization").related_model
        return NewMappingForm(
            request.POST or None,
            initial={"start": start, "name": f"{start.name} (copy)"[:100] if start else ""},
            mappings=self.get_queryset(request),
            organizations=scope.limited(organizations.objects.all(), request.user, "pk"),
            may_share=scope.sees_all(request.user),
        )

    # -- The editor ----------------------------------------------------------------------------

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        form, mapping = context["adminform"].form, kwargs["obj"]
        targets = form.draft.targets(mapping.destination_kind, form.targets)
        is_open = takes_any(mapping.destination_kind)
        rows = editor.rows(form.draft, targets, form.faults, is_open=is_open)
        context |= {
            "title": mapping.name,
            "subtitle": None,
            "errors": None,  # the page says them in its own way
            "is_nav_sidebar_enabled": False,  # the preview needs the room
            "media": Media(),  # the editor's own scripts need none of Django's
            "groups": _grouped(rows),
            "draft": form.draft,
            "faulty_rows": [row for row in rows if row.faults],
            "failures": form.failures,
            "newest": form.newest,
            "tests": mapping.tests.count(),
            "copy_url": copy_url(mapping) if self.has_add_permission(request) else "",
            "kind_label": kind_label(mapping.destination_kind),
            "owner": self.owner(mapping),
            "used_by": _used_by(request, mapping),
            "samples": samples(),
            "subject": request.POST.get("subject", ""),
            "reference": request.POST.get("reference", ""),
            "source_fields": _source_fields(mapping),
            "transforms": editor.CHANGES,
            "joins": editor.JOINS,
            "blank_uses": [_blank_use(transform) for transform in editor.CHANGES],
            "blank_table": editor.TableDraft(""),
        }
        return super().render_change_form(request, context, *args, **kwargs)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        form.author = request.user
        super().save_related(request, form, formsets, change)

    def response_change(self, request: HttpRequest, obj: Mapping) -> HttpResponse:
        """Stay in the editor, and say what was saved."""
        newest = obj.versions.first()
        message = (
            gettext("Saved as version {number}.").format(number=newest.number)
            if newest
            else "Saved."
        )
        self.message_user(request, message, messages.SUCCESS)
        return HttpResponseRedirect(_url("change", obj.pk))

    # -- Versions ------------------------------------------------------------------------------

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        own = [
            ("<int:pk>/versions/<int:number>/put-back/", self.put_back_view, "put_back"),
            ("<int:pk>/tests/", self.tests_view, "tests"),
            ("<int:pk>/tests/<int:test>/remove/", self.remove_test_view, "remove_test"),
            ("<int:pk>/paste/", self.paste_view, "paste"),
        ]
        paths = [path(where, wrap(view), name=f"mapping_{name}") for where, view, name in own]
        return [*paths, *super().get_urls()]

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: Any = None
    ) -> HttpResponse:
        """List the versions, what each changed, and the difference between any two."""
        mapping = self._seen(request, _number(object_id))
        kept = list(mapping.versions.all())
        steps = [
            (one, versions.difference(before, one) if before else None)
            for one, before in zip(kept, [*kept[1:], None], strict=True)
        ]
        old, new = (_chosen(kept, request.GET.get(name)) for name in ("old", "new"))
        return self._page(
            request,
            "versions",
            gettext("Versions of {name}").format(name=mapping.name),
            mapping,
            steps=steps,
            old=old,
            new=new,
            compared=versions.difference(old, new) if old and new else None,
        )

    def put_back_view(self, request: HttpRequest, pk: int, number: int) -> HttpResponse:
        """Save an earlier version again, as the newest."""
        mapping = self._changed(request, pk)
        version = get_object_or_404(mapping.versions, number=number)
        try:
            exchange.put_back(version, request.user)
        except exchange.ExchangeError as error:
            message = gettext("Version {number} does not work any more. {error}").format(
                number=number, error=error
            )
            self.message_user(request, message, messages.ERROR)
        else:
            audit.record(request, "put back mapping", mapping, version=number)
            message = gettext("Version {number} was put back, as version {newest_number}.").format(
                number=number, newest_number=versions.newest_number(mapping)
            )
            self.message_user(request, message, messages.SUCCESS)
        return HttpResponseRedirect(_url("history", mapping.pk))

    # -- Test cases ----------------------------------------------------------------------------

    def tests_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """List the test cases, and how each goes with the mapping as it is saved."""
        mapping = self._seen(request, pk)
        targets = target_fields(mapping.destination_kind)
        outcomes = testing.run_saved(mapping, targets)
        return self._page(
            request,
            "tests",
            gettext("Test cases of {name}").format(name=mapping.name),
            mapping,
            outcomes=outcomes,
        )

    def remove_test_view(self, request: HttpRequest, pk: int, test: int) -> HttpResponse:
        mapping = self._changed(request, pk)
        removed = get_object_or_404(mapping.tests, pk=test)
        audit.record(request, "remove test case", removed)
        removed.delete()
        self.message_user(
            request, gettext("“{name}” was removed.").format(name=removed.name), messages.SUCCESS
        )
        return HttpResponseRedirect(_url("tests", pk))

    # -- A value table -------------------------------------------------------------------------

    def paste_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Return the part of the page for one value table, with the pasted rows understood."""
        mapping = self._changed(request, pk)
        draft = editor.typed(request.POST, target_fields(mapping.destination_kind))
        table = draft.tables[0] if draft.tables else editor.TableDraft("")
        number = _number(request.GET.get("number")) or 0
        context = {"table": table, "number": number, "may_change": True}
        return TemplateResponse(request, f"{TEMPLATES}/table.html", context)

    # -- Common to them ------------------------------------------------------------------------

    def _seen(self, request: HttpRequest, pk: int | None) -> Mapping:
        mapping: Mapping = get_object_or_404(self.get_queryset(request), pk=pk)
        if not self.has_view_permission(request, mapping):
            raise PermissionDenied
        return mapping

    def _changed(self, request: HttpRequest, pk: int) -> Mapping:
        """Return the mapping, for a POST of somebody who may change it."""
        mapping: Mapping = get_object_or_404(self.get_queryset(request), pk=pk)
        if not self.has_change_permission(request, mapping):
            raise PermissionDenied
        if request.method != "POST":
            raise Http404
        return mapping

    def _page(
        self,
        request: HttpRequest,
        template: str,
        title: str,
        mapping: Mapping | None = None,
        **more: Any,
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": title,
            "opts": self.model._meta,
            "mapping": mapping,
            "may_change": mapping and self.has_change_permission(request, mapping),
            **more,
        }
        return TemplateResponse(request, f"{TEMPLATES}/{template}.html", context)


def copy_url(mapping: Mapping) -> str:
    """Return where a copy of the mapping begins."""
    return f"{_url('add')}?{urlencode({'start': mapping.pk})}"


def _url(page: str, *args: Any) -> str:
    own = f"admin:mapping_{page}"
    return reverse(own if page == "tests" else f"admin:mapping_mapping_{page}", args=args)


def _number(text: Any) -> int | None:
    return int(text) if str(text or "").isdecimal() else None


def _chosen(kept: list[MappingVersion], number: Any) -> MappingVersion | None:
    return next((one for one in kept if one.number == _number(number)), None)


def _used_by(request: HttpRequest, mapping: Mapping) -> list[str]:
    """Return the names of the listings, of those that the person may see, that use the mapping."""
    configs: Any = mapping.triggerconfig_set
    seen = scope.limited(configs.all(), request.user, "listing__organization")
    return list(seen.order_by("listing__name").values_list("listing__name", flat=True).distinct())


def _grouped(rows: list[editor.RuleRow]) -> dict[str, list[editor.RuleRow]]:
    groups: dict[str, list[editor.RuleRow]] = {}
    for row in rows:
        groups.setdefault(row.target.group or gettext("Fields"), []).append(row)
    return groups


def _source_fields(mapping: Mapping) -> list[dict[str, str]]:
    """Return what the chooser offers; form answers are added by what is previewed.

    That is what may leave to some destination that uses the mapping.
    """
    allowed = mapping.allow_lists()
    return [
        {"group": one.group, "label": one.label, "text": field_in_words(one.key)}
        for one in catalogue.fields()
        if any(names.offers(one.key) for names in allowed)
    ]


def _blank_use(transform: Any) -> tuple[Any, tuple[editor.OptionInput, ...]]:
    return transform, editor.option_inputs("__name__", transform, {})

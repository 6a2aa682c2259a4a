"""The preview beside the mapping editor: what would be sent for a referral, before anything is.

It shows the form as it stands, saved or not. The referral is an invented one or, of those that the
person may see, a real one: whole for those who see referrals anyway, masked for all others.
"""

import json
from collections.abc import Mapping as Dict
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache

from access import scope
from core import audit
from core.database import clock
from core.text.spoken import spoken
from integrations import destinations
from integrations.models import Destination
from integrations.transport import Transport
from mapping.editing import editor, exchange, testing
from mapping.editing.preview import preview
from mapping.editing.wording import field_in_words, target_in_words
from mapping.engine.checks import check_mapping
from mapping.engine.engine import Context, Rule
from mapping.engine.targets import takes_any, target_fields
from mapping.models import Mapping, MappingTest
from mapping.source import catalogue
from mapping.source.allowing import EVERYTHING
from mapping.source.document import Document
from mapping.source.samples import sample, samples
from referrals.models import Referral, ReferralAlias
from referrals.record.documents import document_of, masked_document_of
from referrals.summary import pdf

SEES_PEOPLE = "referrals.view_referral"
NO_REFERRAL = _("There is no such referral, or it belongs to another organization.")
CHANGE_FIRST = _("The mapping has errors: fix them, then keep the test case.")


@dataclass(frozen=True, slots=True)
class Subject:
    """What a mapping is tried with; `covered` tells that its people are masked."""

    label: str
    document: Document = field(repr=False)
    zone: ZoneInfo
    referral: Referral | None = None
    covered: bool = False
    invented: str = ""  # what the sample is called

    @property
    def case_name(self) -> str:
        """The name that a test case of it gets, unless the person says another."""
        return gettext("Like a real referral") if self.referral else self.invented


class TestCaseForm(forms.ModelForm):  # type: ignore[type-arg]
    """What a person says about a test case."""

    with_note = forms.BooleanField(required=False)

    class Meta:
        model = MappingTest
        fields = ["name"]


def urls(site: AdminSite) -> list[URLPattern]:
    """Return the paths of the preview, of its PDF, and for keeping it as a test case."""

    def page(view: Any) -> Any:
        return site.admin_view(never_cache(partial(view, site)))

    return [
        path("mappings/<int:pk>/preview/", page(preview_view), name="mapping_preview"),
        path(
            "mappings/<int:pk>/preview/summary.pdf",
            page(summary_view),
            name="mapping_preview_summary",
        ),
        path("mappings/<int:pk>/preview/keep/", page(keep_view), name="mapping_preview_keep"),
    ]


# -- The screens -------------------------------------------------------------------------------


def preview_view(site: AdminSite, request: HttpRequest, pk: int) -> HttpResponse:
    """Show what would be sent: a page of its own, or the panel beside the editor."""
    mapping = _mapping(site, request, pk)
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    subject = _subject(request, mapping)
    shown = _shown(site, request, mapping, subject) if subject else {"problem": NO_REFERRAL}
    context = {
        **({} if _for_panel(request) else site.each_context(request)),
        "title": gettext("Preview of {name}").format(name=mapping.name),
        "mapping": mapping,
        "opts": Mapping._meta,
        **shown,
    }
    name = "panel" if _for_panel(request) else "preview"
    return TemplateResponse(request, f"admin/mapping/{name}.html", context)


def summary_view(site: AdminSite, request: HttpRequest, pk: int) -> HttpResponse:
    """Return the Referral Summary of what is previewed."""
    mapping = _mapping(site, request, pk)
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    subject = _subject(request, mapping)
    if subject is None:
        return HttpResponse(NO_REFERRAL, status=404, content_type="text/plain; charset=utf-8")
    destination = _destination(request, mapping)
    document = subject.document
    if destination:
        document = destination.allow_list().part(document)
    names = pdf.SummaryContext(
        organization_name=document.get("organization", {}).get("name", ""),
        listing_name=document.get("listing", {}).get("name", ""),
        time_zone=subject.zone.key,
        language=mapping.language,
    )
    content = pdf.pdf(document, names).content
    return HttpResponse(
        content,
        content_type="application/pdf",
        headers={"Content-Disposition": 'inline; filename="preview.pdf"'},
    )


def keep_view(site: AdminSite, request: HttpRequest, pk: int) -> HttpResponse:
    """Keep what is previewed as a test case; of a real referral, what its masked copy gives."""
    mapping = _mapping(site, request, pk)
    if not _may_change(site, request, mapping):
        raise PermissionDenied
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    subject = _subject(request, mapping, covered=True)
    message = _keep(site, request, mapping, subject) if subject else NO_REFERRAL
    if _for_panel(request):
        return HttpResponse(message, content_type="text/plain; charset=utf-8")
    messages.info(request, message)
    return HttpResponseRedirect(reverse("admin:mapping_tests", args=[mapping.pk]))


def _mapping(site: AdminSite, request: HttpRequest, pk: int) -> Mapping:
    """Return the mapping; 404 when it is not the person's, 403 when none is."""
    admin = site.get_model_admin(Mapping)
    mapping: Mapping = get_object_or_404(admin.get_queryset(request), pk=pk)
    if not admin.has_view_permission(request, mapping):
        raise PermissionDenied
    return mapping


def _may_change(site: AdminSite, request: HttpRequest, mapping: Mapping) -> bool:
    return site.get_model_admin(Mapping).has_change_permission(request, mapping)


def _for_panel(request: HttpRequest) -> bool:
    """Return whether a script asked, to put the answer into the page that is there."""
    return request.headers.get("X-Requested-With") == "mapping-editor"


# -- What it is tried with -----------------------------------------------------------------------


def _subject(request: HttpRequest, mapping: Mapping, *, covered: bool = False) -> Subject | None:
    """Return what the person chose; None when there is no such referral for them.

    With `covered` a real referral is masked, whoever asks.
    """
    chosen = request.POST.get("subject", "")
    if chosen not in ("newest", "reference"):
        one = sample(chosen.removeprefix("sample:")) or samples()[0]
        label = gettext("Invented: {sample}").format(sample=one.label)
        return Subject(label, one.document, _zone(mapping, None), invented=str(one.label))
    referral = _referral(request, mapping, chosen)
    if referral is None:
        return None
    covered = covered or not request.user.has_perm(SEES_PEOPLE)
    audit.record(request, "preview mapping", referral, mapping=mapping.pk, masked=covered)
    zone = _zone(mapping, referral)
    if covered:
        label = gettext("Masked copy of {reference}").format(reference=referral.reference)
        return Subject(label, masked_document_of(referral), zone, referral, True)
    return Subject(
        gettext("Referral {reference}").format(reference=referral.reference),
        document_of(referral),
        zone,
        referral,
    )


def _referral(request: HttpRequest, mapping: Mapping, chosen: str) -> Referral | None:
    seen = scope.limited(Referral.objects.all(), request.user)
    seen = seen.filter(purged_at=None, merged_into=None)
    if mapping.organization_id:
        seen = seen.filter(organization=mapping.organization_id)
    if chosen == "reference":
        named = ReferralAlias.objects.filter(
            value=request.POST.get("reference", "").replace("\0", "").strip()
        )
        seen = seen.filter(pk__in=named.values("referral"))
    return seen.select_related("organization", "listing").order_by("-created_at").first()


def _zone(mapping: Mapping, referral: Referral | None) -> ZoneInfo:
    organization = mapping.organization or (referral.organization if referral else None)
    return organization.zone if organization else ZoneInfo(settings.TIME_ZONE)


# -- What comes out ------------------------------------------------------------------------------


def _draft(site: AdminSite, request: HttpRequest, mapping: Mapping) -> editor.MappingDraft:
    """Return the form as it stands; for those who may not change it, the mapping as it is."""
    if _may_change(site, request, mapping):
        return editor.typed(request.POST, target_fields(mapping.destination_kind))
    return editor.draft_of(exchange.export_mapping(mapping))


def _shown(
    site: AdminSite, request: HttpRequest, mapping: Mapping, subject: Subject
) -> dict[str, Any]:
    draft = _draft(site, request, mapping)
    destination = _destination(request, mapping)
    transport = _transport(destination, mapping)
    fields = transport.fields()
    targets = draft.targets(mapping.destination_kind, fields)
    allowed = destination.allow_list() if destination else EVERYTHING
    is_open = transport.targets.own
    context = Context(subject.zone, draft.entries(), fields, is_open=is_open, allowed=allowed)
    made = preview(draft.engine_rules(), subject.document, context, spoken(mapping.language))
    faults = check_mapping(mapping.destination_kind, draft.engine_rules(), draft.entries())
    reference = subject.document.get("reference", "")
    body = transport.body(reference, made.record)
    return {
        "subject": subject,
        "preview": made,
        "faults": [(target_in_words(fault.target, targets), fault) for fault in faults],
        "rows": list(zip(made.rows, editor.rows(draft, targets), strict=False)),
        "filled": sum(row.value is not None for row in made.rows),
        "body": json.dumps(body, indent=2, ensure_ascii=False),
        "questions": _questions(allowed.part(subject.document)),
        "ambiguous": allowed.ambiguous(subject.document),
        "may_keep": _may_change(site, request, mapping),
    }


def _destination(request: HttpRequest, mapping: Mapping) -> Destination | None:
    """Return a destination that uses the mapping, of those that the person may see."""
    users = Destination.objects.filter(
        kind=mapping.destination_kind, trigger_configs__mapping=mapping
    )
    return scope.limited(users, request.user).first()


def _transport(destination: Destination | None, mapping: Mapping) -> Transport:
    """Return the transport of the destination; without one, one with plain options."""
    if destination:
        return destination.transport()
    return destinations.transport_class(mapping.destination_kind)({})


def _questions(document: Document) -> list[dict[str, str]]:
    """Return the form's questions, for the chooser of source fields."""
    return [
        {
            "group": catalogue.FORM,
            "label": one.label,
            "text": field_in_words(one.key),
        }
        for one in catalogue.answers_in(document)
    ]


def _keep(site: AdminSite, request: HttpRequest, mapping: Mapping, subject: Subject) -> str:
    """Keep the test case, and return a sentence that says so or why not."""
    draft = _draft(site, request, mapping)
    rules, tables = draft.engine_rules(), draft.entries()
    if check_mapping(mapping.destination_kind, rules, tables):
        return str(CHANGE_FIRST)
    given = {"name": request.POST.get("test_name"), "with_note": request.POST.get("test_note")}
    form = TestCaseForm(given, instance=MappingTest(mapping=mapping))
    if not form.is_valid():
        return " ".join(str(error) for errors in form.errors.values() for error in errors)
    if mapping.tests.filter(name=form.cleaned_data["name"]).exists():
        return gettext("There is a test case of this name already.")
    kept = _test_case(form, subject, rules, tables)
    kept.author_name = request.user.get_username()
    kept.save()
    audit.record(request, "keep test case", kept)
    return gettext("“{name}” is kept. It runs at each save.").format(name=kept.name)


def _test_case(
    form: TestCaseForm, subject: Subject, rules: list[Rule], tables: Dict[str, Dict[str, str]]
) -> MappingTest:
    kept: MappingTest = form.save(commit=False)
    targets = target_fields(kept.mapping.destination_kind)
    is_open = takes_any(kept.mapping.destination_kind)
    context = Context(subject.zone, tables, targets, is_open=is_open)
    record = preview(rules, subject.document, context, spoken(kept.mapping.language)).record
    with_note = form.cleaned_data["with_note"]
    kept.document = subject.document
    kept.time_zone = subject.zone.key
    kept.expected = testing.expected_of(record, targets, with_note=with_note)
    kept.origin = (
        subject.label if subject.referral is None else gettext("a masked copy of a referral")
    )
    kept.kept_at = clock.now()
    return kept

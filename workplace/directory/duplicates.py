"""Entries that may be one thing: the pairs, two side by side, and merges that can be taken back."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core import audit
from directory.duplicates import merging
from directory.duplicates.finding import find
from directory.duplicates.merging import BOTH, OTHER, Field, NotMerged
from directory.editing.recording import name_of_user
from directory.fields import in_language
from directory.models import ROWS, Apart, Directory, Entry, Merge
from directory.tables import TABLES, Sort, name_of
from directory.taking_in import take_in
from workplace.directory.shared import name_of as called
from workplace.directory.shared import shown

PER_PAGE = 25
_MERGES = 10  # that are listed
_MOST = 2**63 - 1  # of a key
_TEXTS = (Sort.TEXT, Sort.LINK)
WHY: Mapping[str, Any] = {
    "same_name": gettext_lazy("same name"),
    "similar_name": gettext_lazy("similar name"),
    "same_phone": gettext_lazy("same phone"),
    "same_email": gettext_lazy("same e-mail address"),
    "same_website": gettext_lazy("same website"),
    "same_tax_id": gettext_lazy("same tax number"),
    "same_organization": gettext_lazy("same agency"),
    "same_place": gettext_lazy("same place"),
    "same_address": gettext_lazy("same address"),
    "near": gettext_lazy("within 50 metres"),
}


def pairs(site: AdminSite, directory: Directory, request: HttpRequest) -> HttpResponse:
    """List the pairs, the likeliest first, and the last merges; POST takes one of these back."""
    if request.method == "POST":
        _take_back(request)
        return HttpResponseRedirect(request.path)
    take_in()
    page = Paginator(find(), PER_PAGE).get_page(request.GET.get("page"))
    rows = rows_of([key for pair in page for key in (pair.a, pair.b)])
    found = [
        {
            "names": [called(rows[key], directory) for key in (pair.a, pair.b)],
            "suppliers": [_supplier(rows[key].entry) for key in (pair.a, pair.b)],
            "kind": rows[pair.a].entry.get_kind_display(),
            "why": [WHY[reason] for reason in pair.why],
            "percent": round(pair.score * 100),
            "url": reverse("admin:directory_duplicate", args=[pair.a, pair.b]),
        }
        for pair in page
        if pair.a in rows and pair.b in rows
    ]
    merges = Merge.objects.filter(undone_at=None).select_related("survivor", "other")[:_MERGES]
    of_merges = rows_of([key for one in merges for key in (one.survivor_id, one.other_id)])
    context = {
        "page": page,
        "rows": found,
        "merges": [
            {
                "merge": one,
                "survivor": called(of_merges[one.survivor_id], directory),
                "other": called(of_merges[one.other_id], directory),
            }
            for one in merges
        ],
    }
    return shown(site, request, "duplicates", _("Duplicates"), context)


def compare(
    site: AdminSite, directory: Directory, request: HttpRequest, key: int, other: int
) -> HttpResponse:
    """Show two entries side by side; POST merges them as chosen, or keeps them apart.

    `key` is that of the survivor.
    """
    survivor = key
    if max(survivor, other) > _MOST:
        raise Http404
    rows = rows_of([survivor, other])
    if survivor == other or set(rows) != {survivor, other}:
        raise Http404
    if rows[survivor].entry.kind != rows[other].entry.kind:
        raise Http404
    if rows[survivor].entry.kind not in merging.KINDS:
        raise Http404
    back = HttpResponseRedirect(reverse("admin:directory_duplicates"))
    if request.method == "POST":
        if request.POST.get("deed") == "apart":
            _keep_apart(request, survivor, other)
            return back
        if _merge(request, survivor, other):
            return back
        return HttpResponseRedirect(request.path)
    one, two = rows[survivor], rows[other]
    fields = [
        {
            "name": field.name,
            "column": field.column,
            "language": field.language,
            "mine": _texts(field.mine, directory),
            "others": _texts(field.others, directory),
            "is_list": isinstance(field.others, list),
            "is_gap": not field.mine,
        }
        for field in _fields(one, two)
    ]
    context = {
        "one": _card(one, directory),
        "two": _card(two, directory),
        "fields": fields,
        "kind": one.entry.kind,
        "swap_url": reverse("admin:directory_duplicate", args=[other, survivor]),
        "can_merge": not any(_is_out(row.entry) for row in (one, two)),
    }
    return shown(site, request, "duplicate", _("Are these the same?"), context)


def _fields(one: Any, two: Any) -> list[Field]:
    return merging.fields(one.entry, two.entry)


def _card(row: Any, directory: Directory) -> dict[str, Any]:
    entry = row.entry
    return {
        "name": called(row, directory),
        "kind": entry.get_kind_display(),
        "supplier": _supplier(entry),
        "number": entry.number,
        "key": entry.supplier_key,
        "modified": entry.last_modified,
    }


def _supplier(entry: Entry) -> str:
    return entry.supplier.name if entry.supplier else str(_("Ourselves"))


def _is_out(entry: Entry) -> bool:
    return bool(entry.withdrawn_by or entry.merged_into_id)


def rows_of(keys: Iterable[int]) -> dict[int, Any]:
    """Return the rows of entries with these keys, of whatever kind."""
    wanted, found = set(keys), {}
    for model in ROWS.values():
        rows = model._default_manager.filter(pk__in=wanted).select_related("entry__supplier")
        found.update({row.pk: row for row in rows})
    return found


# -- values in words ------------------------------------------------------------------------------


def _texts(value: Any, directory: Directory) -> list[str]:
    """Return a value, or the rows of a list, one text each."""
    if isinstance(value, list):
        return [_row_in_words(row, directory) for row in value]
    return [] if value in ("", None) else [str(value)]


def _row_in_words(row: Any, directory: Directory) -> str:
    parts = []
    for column in TABLES[name_of(type(row))].columns.values():
        if column.sort in (Sort.ID, Sort.REFERENCE, Sort.LINKED):
            continue
        value = getattr(row, column.field)
        if column.sort in _TEXTS:
            value = in_language(value, directory.languages[0], directory.languages)
        if value not in ("", None):
            parts.append(f"{value:%H:%M}" if column.sort is Sort.TIME else str(value))
    if term := getattr(row, "taxonomy_term", None):
        parts.insert(0, called(term, directory))
    return ", ".join(parts)


# -- deeds ----------------------------------------------------------------------------------------


def _merge(request: HttpRequest, survivor: int, other: int) -> bool:
    choices = {
        name.removeprefix("field-"): value
        for name, value in request.POST.items()
        if name.startswith("field-") and value in (OTHER, BOTH)
    }
    try:
        done = merging.merge(survivor, other, choices, request.user)
    except NotMerged as refused:
        messages.error(request, refused.message)
        return False
    audit.record(request, "merged_entries", done.survivor)
    messages.success(request, _("The two are now one. You can undo the merge below."))
    return True


def _take_back(request: HttpRequest) -> None:
    key = request.POST.get("merge", "")
    if not (key.isascii() and key.isdecimal() and len(key) < 19):
        raise Http404
    try:
        done = merging.take_back(int(key), request.user)
    except NotMerged as refused:
        messages.error(request, refused.message)
        return
    messages.success(request, _("The merge was taken back."))
    if done.left:
        text = _("Somebody has changed these entries since, so they stay as they are: %(ids)s.")
        messages.warning(request, text % {"ids": ", ".join(done.left)})


def _keep_apart(request: HttpRequest, survivor: int, other: int) -> None:
    one, two = sorted((survivor, other))
    given = {"by": name_of_user(request.user), "at": timezone.now()}
    Apart.objects.get_or_create(one_id=one, other_id=two, defaults=given)
    messages.success(request, _("The two stay separate. This pair will not be shown again."))

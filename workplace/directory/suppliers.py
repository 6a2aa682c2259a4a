"""Suppliers: what they send, what the last pull changed, what waits, and what staff keep."""

from typing import Any

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from core import audit
from directory.importing.undoing import NotUndone, undo
from directory.models import Directory, Kind, Pull, StaffChange, Supplier, SupplierImport
from workplace.directory.duplicates import rows_of
from workplace.directory.shared import name_of, shown

PER_PAGE = 20
_KEPT = 50  # fields that staff keep, on the page
_FATES = ("created", "updated", "withdrawn", "rejected")


def suppliers(site: AdminSite, directory: Directory, request: HttpRequest) -> HttpResponse:
    """List the suppliers, the best rank first."""
    found = Supplier.objects.select_related("pull").annotate(
        shown=Count("entries", filter=Q(entries__withdrawn_by="", entries__kind=Kind.SERVICE))
    )
    rows = [
        {
            "supplier": one,
            "pull": getattr(one, "pull", None),
            "last": one.imports.first(),
            "url": reverse("admin:directory_supplier", args=[one.pk]),
        }
        for one in found
    ]
    return shown(site, request, "suppliers", _("Suppliers"), {"rows": rows})


def supplier(site: AdminSite, directory: Directory, request: HttpRequest, key: int) -> HttpResponse:
    """Show one supplier; POST pulls it soon, lets it withdraw, or undoes an import."""
    one = Supplier.objects.filter(pk=key).first()
    if one is None:
        raise Http404
    if request.method == "POST":
        _do(request, one)
        return HttpResponseRedirect(request.path)
    imports = Paginator(one.imports.all(), PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "supplier": one,
        "pull": Pull.objects.filter(supplier=one).first(),
        "page": imports,
        "imports": [{"row": row, "counts": _counts(row)} for row in imports],
        "kept": _kept(one, directory),
        "kept_total": StaffChange.objects.filter(entry__supplier=one).count(),
    }
    return shown(site, request, "supplier", one.name, context)


def _counts(row: SupplierImport) -> list[tuple[str, dict[str, int]]]:
    """Return what an import changed, by kind; kinds that it did not change are left out."""
    records = row.report.get("records", {})
    labels = dict(Kind.choices)
    found = []
    for kind, counts in records.items():
        changed = {fate: counts.get(fate, 0) for fate in _FATES}
        if any(changed.values()):
            found.append((str(labels.get(kind, kind)), changed))
    return found


def _kept(one: Supplier, directory: Directory) -> list[dict[str, Any]]:
    changes = StaffChange.objects.filter(entry__supplier=one).order_by("-at")[:_KEPT]
    rows = rows_of([change.entry_id for change in changes])
    return [
        {
            "change": change,
            "kind": rows[change.entry_id].entry.kind,
            "name": name_of(rows[change.entry_id], directory)
            if hasattr(rows[change.entry_id], "name")
            else str(change.entry),
        }
        for change in changes
        if change.entry_id in rows
    ]


def _do(request: HttpRequest, one: Supplier) -> None:
    deed = request.POST.get("deed", "")
    if deed == "undo":
        _undo(request, one)
        return
    pull = Pull.objects.filter(supplier=one)
    if deed not in ("pull", "allow") or not pull.exists():
        raise Http404
    pull.update(due_at=timezone.now(), allow_once=deed == "allow")
    audit.record(request, f"{deed}_supplier", one)
    messages.success(request, _("It is pulled within a minute. Load this page again then."))


def _undo(request: HttpRequest, one: Supplier) -> None:
    key = request.POST.get("import", "")
    if not (key.isascii() and key.isdecimal() and len(key) < 19):
        raise Http404
    if not one.imports.filter(pk=int(key)).exists():
        raise Http404
    try:
        done = undo(int(key), request.user.get_username())
    except NotUndone as refused:
        messages.error(request, refused.message)
        return
    text = _("Put back: %(put_back)s. Withdrawn: %(withdrawn)s. Left as they are: %(left)s.")
    values = {"put_back": done.put_back, "withdrawn": done.withdrawn, "left": len(done.left)}
    messages.success(request, text % values)

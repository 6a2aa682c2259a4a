"""The history of an entry: who changed it, when, why; an earlier version is put back."""

from uuid import UUID

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from directory import documents
from directory.editing import versions
from directory.editing.recording import differences
from directory.models import Directory, EntryRow, Revision
from workplace.directory.labels import field_label
from workplace.directory.shared import name_of, row_of, shown, url_of

PER_PAGE = 25
# Why an entry was changed, as revisions store it: named here for the catalogs.
_REASONS = (
    gettext_noop("brought back"),
    gettext_noop("changed with others"),
    gettext_noop("contact erased"),
    gettext_noop("correction accepted"),
    gettext_noop("created"),
    gettext_noop("earlier version put back"),
    gettext_noop("edited"),
    gettext_noop("import"),
    gettext_noop("made confidential"),
    gettext_noop("no longer confidential"),
    gettext_noop("translation checked"),
    gettext_noop("undo of an import"),
    gettext_noop("verified by the agency"),
    gettext_noop("withdrawn"),
)


def history(
    kind: str, site: AdminSite, directory: Directory, request: HttpRequest, hsds_id: UUID
) -> HttpResponse:
    """List the changes of an entry, the newest first; POST puts back what was before one."""
    row = row_of(kind, hsds_id)
    revisions = Revision.objects.filter(entry=row.pk)
    if request.method == "POST":
        _put_back(request, row)
        return HttpResponseRedirect(request.path)
    page = Paginator(revisions, PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "rows": _rows(row, list(page)),
        "entry_url": url_of(row),
        "name": name_of(row, directory),
    }
    return shown(site, request, "history", _("History"), context)


def _rows(row: EntryRow, found: list[Revision]) -> list[tuple[Revision, str, list[str]]]:
    """Return each revision with its reason and the names of the fields that it changed."""
    rows = []
    newer = (
        Revision.objects.filter(entry=row.pk, pk__gt=found[0].pk, before__isnull=False)
        .order_by("pk")
        .first()
        if found
        else None
    )
    after = newer.before if newer else documents.read([row.pk])[row.pk]
    for revision in found:
        changed = []
        if revision.before is not None:
            paths = [one.path for one in differences(revision.before, after) if one.path]
            changed = [field_label(row.KIND.value, path) for path in paths]
            after = revision.before
        reason = _(revision.reason) if revision.reason else ""
        rows.append((revision, reason, sorted(dict.fromkeys(changed))))
    return rows


def _put_back(request: HttpRequest, row: EntryRow) -> None:
    key = request.POST.get("revision", "")
    if not (key.isascii() and key.isdecimal() and len(key) < 19):
        raise Http404
    revision = Revision.objects.filter(pk=int(key), entry=row.pk).first()
    if revision is None or revision.before is None:
        raise Http404
    versions.put_back(revision, request.user)
    messages.success(request, _("The earlier version was put back. What is confidential stays so."))

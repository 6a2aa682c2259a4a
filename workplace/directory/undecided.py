"""What matches something confidential elsewhere, and is held back until staff decide."""

from typing import Any

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _

from core import audit
from directory.editing.confidential import Target, lift, matched, press, undecided
from directory.models import Contact, Directory, Entry, Phone
from workplace.directory.shared import name_of, rows_by_key, shown, url_of

PER_PAGE = 25


def decide(site: AdminSite, directory: Directory, request: HttpRequest) -> HttpResponse:
    """List what is held back, with what it matches; POST decides on one."""
    targets = {_key(target): target for target in undecided()}
    if request.method == "POST":
        _do(targets, request)
        return HttpResponseRedirect(request.path)
    page = Paginator(list(targets.items()), PER_PAGE).get_page(request.GET.get("page"))
    rows = [_row(key, target, directory) for key, target in page]
    context = {"page": page, "rows": rows, "count": len(targets)}
    return shown(site, request, "undecided", _("Waiting for a decision"), context)


def _key(target: Target) -> str:
    return f"{target.row._meta.model_name}-{target.row.pk}-{target.column}"


def _row(key: str, target: Target, directory: Directory) -> dict[str, Any]:
    named = rows_by_key({*target.owners, *(others := matched(target))})
    return {
        "key": key,
        "what": _called(target, directory, named),
        "of": _links([named[one] for one in sorted(target.owners) if one in named], directory),
        "matches": _links([named[one] for one in sorted(others) if one in named], directory),
    }


def _called(target: Target, directory: Directory, named: dict[int, Any]) -> str:
    """Return what is held back: a number, an e-mail address, a person, or a place with its street.

    Editors see what is confidential; the page is of their role alone, and is never stored.
    """
    row = target.row
    if isinstance(row, Entry):
        of = named[row.pk]
        streets = [text for one in of.addresses.all() for text in list(one.address_1.values())[:1]]
        return ", ".join([name_of(of, directory), *streets])
    if isinstance(row, Phone):
        return str(row.number)
    if isinstance(row, Contact) and target.column == "secrecy":
        return next(iter(row.name.values()), "") or row.email or _("Contact")
    return str(row.email)


def _links(rows: list[Any], directory: Directory) -> list[tuple[str, str, str]]:
    return [(row.entry.get_kind_display(), name_of(row, directory), url_of(row)) for row in rows]


def _do(targets: dict[str, Target], request: HttpRequest) -> None:
    deed = request.POST.get("deed")
    if deed not in ("press", "lift"):
        raise Http404
    target = targets.get(request.POST.get("target", ""))
    if target is None:  # decided meanwhile
        messages.warning(request, _("Somebody has decided on this already."))
        return
    (press if deed == "press" else lift)(target, request.user)
    for entry in Entry.objects.filter(pk__in=target.owners):
        audit.record(request, f"{deed}_confidential", entry)
    hidden = _("It is now confidential: readers no longer see it.")
    messages.success(request, hidden if deed == "press" else _("It can be seen again."))

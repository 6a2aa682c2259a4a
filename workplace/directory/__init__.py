"""The directory's screens for those who edit it.

Lists of services, agencies, and locations; the pages of one entry: editing, preview, history,
*Confidential*; corrections, quality, what waits for a decision, and data partners. Without a
directory they do not exist. Their permission is that of one role alone, which sees no referral
(`access.roles.DIRECTORY_EDITOR`).
"""

from collections.abc import Iterator
from functools import partial
from typing import Any

from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.views.decorators.cache import never_cache

from access.roles import EDIT_DIRECTORY
from directory.models import Directory
from workplace.directory import (
    corrections,
    duplicates,
    files,
    listing,
    quality,
    suppliers,
    undecided,
)
from workplace.directory.data_partners import pages as data_partners
from workplace.directory.entry import editing, hiding, previewing, versions
from workplace.directory.sheets import SHEETS

# Where the pages of each kind stand, by the name of its sheet.
_FOLDERS = {
    "service": "services",
    "agency": "agencies",
    "location": "locations",
    "place": "places",
}


_PARTNER, _FILE = "data-partners/<int:key>/", "files/<int:key>/"
# The pages that are not of one entry: address, view, and name.
_PAGES = (
    ("", listing.services, "services"),
    ("agencies/", listing.agencies, "agencies"),
    ("locations/", listing.locations, "locations"),
    ("duplicates/", duplicates.pairs, "duplicates"),
    ("duplicates/<int:key>/<int:other>/", duplicates.compare, "duplicate"),
    ("files/", files.files, "files"),
    (_FILE, files.file, "file"),
    (f"{_FILE}download/", files.download, "download"),
    ("suppliers/", suppliers.suppliers, "suppliers"),
    ("suppliers/<int:key>/", suppliers.supplier, "supplier"),
    ("corrections/", corrections.review, "corrections"),
    ("undecided/", undecided.decide, "undecided"),
    ("quality/", quality.overview, "quality"),
    ("quality/<slug:check_key>/", quality.one_check, "quality_check"),
    ("data-partners/", data_partners.partners, "data_partners"),
    ("data-partners/new/", data_partners.agreement, "new_agreement"),
    (_PARTNER, data_partners.partner, "data_partner"),
    (f"{_PARTNER}agreement/", data_partners.agreement, "agreement"),
    (f"{_PARTNER}letter/", data_partners.letter, "data_partner_letter"),
    (f"{_PARTNER}sees/", data_partners.sees, "data_partner_sees"),
)


def urls(site: AdminSite) -> list[URLPattern]:
    """Return the paths: the lists, what is to be done, and the pages of one entry of each kind."""
    return [
        path(
            f"directory/{address}",
            site.admin_view(never_cache(partial(_opened, view, site))),
            name=f"directory_{name}",
        )
        for address, view, name in (*_PAGES, *_pages_of_entries())
    ]


def _pages_of_entries() -> Iterator[tuple[str, Any, str]]:
    for kind, sheet in SHEETS.items():
        one, name = f"{_FOLDERS[sheet.name]}/<uuid:hsds_id>/", sheet.name
        yield one, partial(editing.edit_entry, kind), name
        yield f"{one}history/", partial(versions.history, kind), f"{name}_history"
        yield f"{one}confidential/", partial(hiding.hide, kind), f"{name}_confidential"
    yield "services/<uuid:hsds_id>/preview/", previewing.preview, "service_preview"


def _opened(view: Any, site: AdminSite, request: HttpRequest, **values: Any) -> HttpResponse:
    directory = Directory.objects.first()
    if directory is None:
        raise Http404
    if not request.user.has_perm(EDIT_DIRECTORY):
        raise PermissionDenied
    response: HttpResponse = view(site, directory, request, **values)
    return response

"""The directory's screens for those who edit it.

Lists of services, agencies, and locations; the pages of one entry: editing, preview, history,
*Confidential*; corrections, quality, what waits for a decision, and data partners. Without a
directory they do not exist. Their permission is that of one role alone, which sees no referral
(`access.roles.DIRECTORY_EDITOR`).
"""

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
    data_partners,
    duplicates,
    editing,
    files,
    hiding,
    listing,
    previewing,
    quality,
    suppliers,
    undecided,
    versions,
)
from workplace.directory.sheets import SHEETS

# Where the pages of each kind stand, by the name of its sheet.
_FOLDERS = {
    "service": "services",
    "agency": "agencies",
    "location": "locations",
    "place": "places",
}


def urls(site: AdminSite) -> list[URLPattern]:
    """Return the paths: the lists, what is to be done, and the pages of one entry of each kind."""

    def page(view: Any) -> Any:
        return site.admin_view(never_cache(partial(_opened, view, site)))

    check = "directory/quality/<slug:check_key>/"
    partner = "directory/data-partners/<int:key>/"
    file = "directory/files/<int:key>/"
    found = [
        path("directory/", page(listing.services), name="directory_services"),
        path("directory/agencies/", page(listing.agencies), name="directory_agencies"),
        path("directory/locations/", page(listing.locations), name="directory_locations"),
        path("directory/duplicates/", page(duplicates.pairs), name="directory_duplicates"),
        path(
            "directory/duplicates/<int:key>/<int:other>/",
            page(duplicates.compare),
            name="directory_duplicate",
        ),
        path("directory/files/", page(files.files), name="directory_files"),
        path(file, page(files.file), name="directory_file"),
        path(f"{file}download/", page(files.download), name="directory_download"),
        path("directory/suppliers/", page(suppliers.suppliers), name="directory_suppliers"),
        path("directory/suppliers/<int:key>/", page(suppliers.supplier), name="directory_supplier"),
        path("directory/corrections/", page(corrections.review), name="directory_corrections"),
        path("directory/undecided/", page(undecided.decide), name="directory_undecided"),
        path("directory/quality/", page(quality.overview), name="directory_quality"),
        path(check, page(quality.one_check), name="directory_quality_check"),
        path(
            "directory/data-partners/",
            page(data_partners.partners),
            name="directory_data_partners",
        ),
        path(
            "directory/data-partners/new/",
            page(data_partners.agreement),
            name="directory_new_agreement",
        ),
        path(partner, page(data_partners.partner), name="directory_data_partner"),
        path(f"{partner}agreement/", page(data_partners.agreement), name="directory_agreement"),
        path(f"{partner}letter/", page(data_partners.letter), name="directory_data_partner_letter"),
        path(f"{partner}sees/", page(data_partners.sees), name="directory_data_partner_sees"),
    ]
    for kind, sheet in SHEETS.items():
        one, name = f"directory/{_FOLDERS[sheet.name]}/<uuid:hsds_id>/", f"directory_{sheet.name}"
        found += [
            path(one, page(partial(editing.edit_entry, kind)), name=name),
            path(f"{one}history/", page(partial(versions.history, kind)), name=f"{name}_history"),
            path(
                f"{one}confidential/",
                page(partial(hiding.hide, kind)),
                name=f"{name}_confidential",
            ),
        ]
    preview = "directory/services/<uuid:hsds_id>/preview/"
    found.append(path(preview, page(previewing.preview), name="directory_service_preview"))
    return found


def _opened(view: Any, site: AdminSite, request: HttpRequest, **values: Any) -> HttpResponse:
    directory = Directory.objects.first()
    if directory is None:
        raise Http404
    if not request.user.has_perm(EDIT_DIRECTORY):
        raise PermissionDenied
    response: HttpResponse = view(site, directory, request, **values)
    return response

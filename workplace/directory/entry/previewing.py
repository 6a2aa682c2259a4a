"""A service as readers would see it, in each language, also while it is in no view."""

from uuid import UUID

from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from directory.models import Directory, Kind, Membership, View
from directory.pages import records
from directory.pages.phrases import autonym, phrases
from workplace.directory.shared import name_of, row_of, shown, url_of


def preview(
    site: AdminSite, directory: Directory, request: HttpRequest, hsds_id: UUID
) -> HttpResponse:
    """Show a service in the language that is asked for with `lang`, else in the first."""
    row = row_of(Kind.SERVICE, hsds_id)
    languages: list[str] = directory.languages
    asked = request.GET.get("lang", "")
    language = asked if asked in languages else languages[0]
    record = records.stored(row, directory, language)  # takes in what has changed, too
    shown_now = Membership.objects.filter(view__name=View.Name.PAGES, entry=row.pk, present=True)
    context = {
        "name": name_of(row, directory),
        "entry_url": url_of(row),
        "record": record,
        "w": phrases(language),
        "language": language,
        "languages": [(one, autonym(one), one == language) for one in languages],
        "is_shown": shown_now.exists(),
        "page_url": reverse("directory-service", args=[hsds_id]) + f"?lang={language}",
    }
    return shown(site, request, "preview", _("Preview"), context)

"""Files of the directory: asked for here, written beside the dispatcher, downloaded when there."""

from typing import Any

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _

from core import audit
from directory.editing.recording import name_of_user
from directory.exporting import requested
from directory.exporting.formats import FORMATS
from directory.models import Directory, RequestedFile, ScheduledExport
from workplace.directory.shared import shown

_LISTED = 20
_RELOAD = "2"  # seconds, until the page of a file that is being written is loaded again


def files(site: AdminSite, directory: Directory, request: HttpRequest) -> HttpResponse:
    """Offer each format in each language; POST asks for a file, and goes to its page."""
    if request.method == "POST":
        format, language = request.POST.get("format", ""), request.POST.get("language", "")
        if format not in FORMATS or language not in directory.languages:
            raise Http404
        row = requested.ask(format, language, name_of_user(request.user))
        audit.record(request, "asked_for_directory_file", row)
        return HttpResponseRedirect(reverse("admin:directory_file", args=[row.pk]))
    exports = ScheduledExport.objects.select_related("destination")
    context = {
        "formats": list(FORMATS),
        "languages": directory.languages,
        "rows": RequestedFile.objects.all()[:_LISTED],
        "exports": [{"export": one, "last": one.runs.first()} for one in exports],
    }
    return shown(site, request, "files", _("Files"), context)


def file(site: AdminSite, directory: Directory, request: HttpRequest, key: int) -> HttpResponse:
    """Show how far a file is, and what it could not carry; reload until it is there."""
    row = _row(key)
    percent = min(100, 100 * row.written // row.expected) if row.expected else 0
    context: dict[str, Any] = {"row": row, "percent": percent}
    response = shown(site, request, "file", _("File"), context)
    if row.is_under_way:
        response.headers["Refresh"] = _RELOAD
    return response


def download(site: AdminSite, directory: Directory, request: HttpRequest, key: int) -> HttpResponse:
    """Send a file that is there."""
    row = _row(key)
    path = requested.path_of(row)
    if row.state != RequestedFile.State.DONE or not path.is_file():
        messages.warning(request, _("The file is not there. Ask for it again."))
        return HttpResponseRedirect(reverse("admin:directory_files"))
    response: Any = FileResponse(path.open("rb"), as_attachment=True, filename=row.file)
    return response  # type: ignore[no-any-return]  # a response like any other


def _row(key: int) -> RequestedFile:
    row = RequestedFile.objects.filter(pk=key).first()
    if row is None:
        raise Http404
    return row

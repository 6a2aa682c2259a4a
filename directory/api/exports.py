"""Export files by request: what the caller's view shows, whole, as of one moment."""

import tempfile
from typing import IO, Any

from django.http import FileResponse, HttpRequest, HttpResponseBase
from django.utils.translation import gettext as _

from directory.api import seats
from directory.api.views import ApiView
from directory.exporting.content.carried import Tally
from directory.exporting.formats import FORMATS
from directory.exporting.kind import NothingToWrite
from directory.exporting.writing import file_name, into, today
from integrations.sources.responses import Problem

_SPOOLED = 1 << 20  # bytes in memory, before a file
_TYPES = {"zip": "application/zip", "xml": "application/xml", "csv": "text/csv; charset=utf-8"}


class ExportView(ApiView):
    """One file. It is made first and sent then, so that a slow reader holds no snapshot open."""

    parameters = ("lang",)

    def answer(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        format = FORMATS.get(kwargs["format"])
        if format is None:
            raise Problem(404, _("There is no such format."))
        seat = seats.streams.take()
        file: IO[bytes] = tempfile.SpooledTemporaryFile(_SPOOLED)  # noqa: SIM115 - sent later
        try:
            into(file, format, self.view, self.language, Tally())
        except NothingToWrite as nothing:
            raise Problem(404, nothing.message) from None
        finally:
            seat.leave()
        file.seek(0)
        return FileResponse(
            file,
            as_attachment=True,
            filename=file_name(format, self.language, today()),
            content_type=_TYPES[format.extension],
        )

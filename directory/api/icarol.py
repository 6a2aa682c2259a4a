"""The paths of /icarol/v1: existing clients of iCarol change only the address and the token."""

import json
import tempfile
from collections.abc import Iterator
from itertools import islice
from typing import IO, Any

from django.http import HttpRequest, HttpResponseBase, JsonResponse, StreamingHttpResponse
from django.utils.translation import gettext as _

from directory.api import asking, seats
from directory.api.views import JSON, ApiView, pieces
from directory.formats.icarol_records import SERVICE_SITE
from directory.icarol import records, searching, terms
from directory.icarol.records import Context
from directory.listing.pages import one_snapshot
from directory.listing.parameters import Refused, Wrong
from directory.listing.parameters import read as read_parameters
from directory.listing.values import text
from directory.models import NUMBERED, Entry
from integrations.sources.responses import Problem

MOST_IDS = 100
_HIGHEST = 9 * 10**15
_CHUNK = 500
_SPOOLED = 1024 * 1024
_SERVICE_AT_LOCATION = "ProgramAtSite"


class ICarolView(ApiView):
    """What these paths have in common: `lang`, and parameters that may come several times."""

    several: tuple[str, ...] = ()
    parameters = ("lang",)

    def read(self, request: HttpRequest) -> dict[str, Any]:
        pairs = [(name, value) for name, values in request.GET.lists() for value in values]
        once = [(name, value) for name, value in pairs if name not in self.several]
        found = read_parameters(once, self.parameters, self.directory.languages)
        return found | {name: [value for of, value in pairs if of == name] for name in self.several}

    @property
    def context(self) -> Context:
        return Context(self.view, self.directory, self.language, self.standing.now)

    def written(self, made: Any) -> JsonResponse:
        return JsonResponse(made, safe=False, json_dumps_params={"ensure_ascii": False})


class SearchView(ICarolView):
    """Finds records; with `takeALL`, all of them as a bare array."""

    http_method_names = ["post", "options"]

    def answer(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        query = searching.read(asking.body_of(request))
        if query.take_all:
            return self._all(query)
        context = self.context
        found = searching.find(query, context)
        keys = found.values_list("pk", flat=True)[query.skip : query.skip + query.take]
        results = [{"resource": one} for one in records.stubs(context, list(keys))]
        return self.written({"totalResultCount": found.count(), "results": results})

    def _all(self, query: searching.Query) -> HttpResponseBase:
        seat = seats.streams.take()
        try:
            file = self._spool(query)
        except BaseException:
            seat.leave()
            raise
        response = StreamingHttpResponse(pieces(file), content_type=JSON)
        response._resource_closers += [file.close, seat.leave]  # type: ignore[attr-defined]
        return response

    def _spool(self, query: searching.Query) -> IO[bytes]:
        """Return a file with an array of everything that is found, as of one moment."""
        file: IO[bytes] = tempfile.SpooledTemporaryFile(_SPOOLED)  # noqa: SIM115 - sent later
        context = self.context
        between = b"["
        with one_snapshot():
            keys = searching.find(query, context).values_list("pk", flat=True).iterator(_CHUNK)
            for one in self._stubs(context, keys):
                file.write(between + json.dumps(one, ensure_ascii=False).encode())
                between = b","
        file.write(b"]" if between == b"," else b"[]")
        file.seek(0)
        return file

    def _stubs(self, context: Context, keys: Iterator[int]) -> Iterator[dict[str, Any]]:
        while some := list(islice(keys, _CHUNK)):
            for one in records.stubs(context, some):
                if one["type"] == _SERVICE_AT_LOCATION:
                    one["type"] = SERVICE_SITE
                yield one


class ResourceView(ICarolView):
    """Whole records by their numbers."""

    several = ("id",)

    def answer(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        numbers = list(dict.fromkeys(_number(value) for value in self.values["id"]))
        if not numbers or len(numbers) > MOST_IDS:
            raise Refused(Wrong("id", _("Give 1 to {most} ids.").format(most=MOST_IDS)))
        entries = Entry.objects.filter(number__in=numbers, kind__in=NUMBERED)
        keys = dict(entries.values_list("number", "pk"))
        wanted = [keys[number] for number in numbers if number in keys]
        return self.written(records.whole(self.context, wanted))


class TaxonomyView(ICarolView):
    """Terms by their codes; without a code, those at the top."""

    several = ("id", "db")

    def answer(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        codes, databases = self.values["id"], [_number(one, "db") for one in self.values["db"]]
        if len(codes) > MOST_IDS:
            raise Refused(Wrong("id", _("Give up to {most} codes.").format(most=MOST_IDS)))
        try:
            codes = [text(code) for code in codes]
        except ValueError as error:
            raise Refused(Wrong("id", str(error))) from None
        if databases and self.directory.database_id not in databases:
            return self.written([])
        return self.written(terms.by_codes(self.context, codes))


class NoSuchPath(ICarolView):
    """Whatever else is asked for."""

    http_method_names = ["get", "head", "post", "put", "patch", "delete", "options"]

    def read(self, request: HttpRequest) -> dict[str, Any]:
        return {}

    def answer(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        raise Problem(404, _("There is nothing at this address."))


def _number(value: str, name: str = "id") -> int:
    is_number = value.isascii() and value.isdecimal() and len(value) <= len(str(_HIGHEST))
    if not is_number:
        raise Refused(Wrong(name, _("A whole number is expected.")))
    return int(value)

"""The paths of /hsds/3.1."""

from collections.abc import Iterator
from typing import IO, Any

from django.core.exceptions import BadRequest, SuspiciousOperation
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    JsonResponse,
    StreamingHttpResponse,
)
from django.http.multipartparser import MultiPartParserError
from django.urls import reverse
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views import View as BaseView
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.gzip import gzip_page

from core.database import clock
from directory.answers.rendering import moment
from directory.api import asking, description, seats
from directory.data_partners import feed
from directory.listing import pages
from directory.listing.filters import Asked
from directory.listing.items import Shape, by_id, etag_of, texts
from directory.listing.parameters import (
    EVERYWHERE,
    OF_CHANGES,
    OF_ENTRIES,
    OF_LISTS,
    Refused,
    Wrong,
    read,
)
from directory.listing.values import id_of_entry
from directory.models import DataPartner, Kind
from directory.taking_in import standing, take_in
from integrations.sources.parsed import FieldError
from integrations.sources.responses import Problem, Responses

JSON, NDJSON = "application/json", "application/x-ndjson"
_METHODS_TO_READ = ("GET", "HEAD")
_IF_NONE_MATCH = "If-None-Match"
_PIECE = 64 * 1024
_CHANGES = 100  # on a page of the feed
_NOTHING = gettext_noop("There is nothing at this address.")
_refused = Responses().refused


@method_decorator([csrf_exempt, gzip_page], name="dispatch")
class ApiView(BaseView):
    """What all paths have in common: whether there is a directory, who asks, in which language.

    `parameters` are those that the path takes. A subclass answers in `answer`.
    """

    http_method_names = ["get", "head", "options"]
    is_open = False  # also to those who see nothing else
    parameters: tuple[str, ...] = EVERYWHERE

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        view: Any = super().as_view(**initkwargs)
        view.for_programs = True  # core.web.middleware
        return view

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            response = self._dispatch(request, *args, **kwargs)
        except Problem as problem:
            response = _refused(problem)
        except Refused as refused:
            errors = [FieldError(one.name, one.message) for one in refused.wrong]
            response = _refused(Problem(400, _("Some parameters cannot be used."), errors))
        except (BadRequest, MultiPartParserError, SuspiciousOperation):
            # Django's own limits: too many parameters, a form that is none.
            response = _refused(Problem(400, _("This request cannot be read.")))
        return self._with_headers(request, response)

    def _dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        found = standing()
        if found is None:
            raise Problem(404, _(_NOTHING))
        self.standing, self.directory = found, found.directory
        if request.method == "OPTIONS":
            return HttpResponse(status=204, headers=self._preflight())
        if (request.method or "").lower() not in self.http_method_names:
            raise Problem(405, _("Use another method."), headers={"Allow": self._methods()})
        self.reader = asking.reader_of(request)
        seat = (seats.requests if self.reader.partner is None else seats.of_data_partners).take()
        try:
            return self._answer(request, *args, **kwargs)
        finally:
            seat.leave()

    def _answer(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not self.is_open:
            self.view = self.reader.view(self.standing)
        languages = self.directory.languages
        self.values = self.read(request)
        preferred = asking.language_of(request, languages)
        self.language: str = self.values.get("lang", preferred)
        if not self.is_open and not self.standing.is_taken_in:
            take_in(self.standing)
            self.view.mark = None  # it was read before
        response = self.answer(request, *args, **kwargs)
        response["Content-Language"] = self.language
        return response

    def read(self, request: HttpRequest) -> dict[str, Any]:
        """Return the values of the request's parameters; raises Refused or Problem."""
        return read(asking.pairs_of(request), self.parameters, self.directory.languages)

    def answer(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        raise NotImplementedError

    # -- headers ----------------------------------------------------------------------------------

    def _methods(self) -> str:
        return ", ".join(name.upper() for name in self.http_method_names)

    def _preflight(self) -> dict[str, str]:
        return {
            "Allow": self._methods(),
            "Access-Control-Allow-Methods": self._methods(),
            "Access-Control-Allow-Headers": "Accept-Language, Content-Type, If-None-Match",
            "Access-Control-Max-Age": "86400",
        }

    def _with_headers(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        response["Cache-Control"] = "no-cache"
        if request.headers.get("Authorization"):
            response["Cache-Control"] = "no-cache, private"
        else:
            response["Access-Control-Allow-Origin"] = "*"
            response["Access-Control-Expose-Headers"] = "Content-Language, ETag, Retry-After"
        patch_vary_headers(response, ["Accept-Language", "Authorization"])
        return response

    def conditional(self, request: HttpRequest, etag: str) -> HttpResponseBase | None:
        """Return 304 where the reader has what it would get; None where it has not."""
        if request.method not in _METHODS_TO_READ:
            return None
        found: HttpResponseBase | None = get_conditional_response(request, etag=etag)
        if found is not None:
            found["ETag"] = etag
        return found

    def whole(self, request: HttpRequest, body: str, etag: str) -> HttpResponse:
        """Return an answer that has been written."""
        headers = {"ETag": etag} if request.method in _METHODS_TO_READ else {}
        return HttpResponse(body, content_type=JSON, headers=headers)


class RootView(ApiView):
    """What this API is, and where it is described."""

    is_open = True

    def answer(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        base = request.build_absolute_uri("/hsds/3.1")
        return self.described(
            request,
            {
                "version": "3.1",
                "profile": f"{base}/profile",
                "openapi_url": f"{base}/openapi.json",
            },
        )

    def described(self, request: HttpRequest, made: Any) -> HttpResponseBase:
        response = JsonResponse(made, json_dumps_params={"ensure_ascii": False})
        etag = etag_of(response.content.decode())
        if found := self.conditional(request, etag):
            return found
        response["ETag"] = etag
        return response


class OpenApiView(RootView):
    """The API's own description, in OpenAPI 3.1."""

    def answer(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        base = request.build_absolute_uri("/hsds/3.1")
        return self.described(request, description.openapi(self.directory, base))


class ProfileView(RootView):
    """How this API uses HSDS."""

    def answer(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return self.described(request, description.profile(self.directory))


class ListView(ApiView):
    """The entries of one kind that match."""

    http_method_names = ["get", "head", "post", "options"]
    kind: Kind = Kind.SERVICE

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        self.parameters = OF_LISTS[self.kind]

    def answer(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        asked = Asked(self.kind, self.view, self.directory, self.values, self.standing.now)
        if self.values.get("format") == "ndjson":
            return self._stream(asked)
        if self.values.get("minimal"):
            return self._minimal(request, asked)
        try:
            return self._page(request, asked)
        except pages.PastTheEnd:
            raise Problem(404, _("There is no such page.")) from None

    def _minimal(self, request: HttpRequest, asked: Asked) -> HttpResponseBase:
        etag = pages.etag_of_minimal(asked)
        if etag and (unchanged := self.conditional(request, etag)):
            return unchanged
        page = pages.minimal(asked)
        etag = etag or page.etag()
        return self.conditional(request, etag) or self.whole(request, page.body(), etag)

    def _page(self, request: HttpRequest, asked: Asked) -> HttpResponseBase:
        if _IF_NONE_MATCH in request.headers:
            etag = pages.page(asked, self.language, with_texts=False).etag()
            if unchanged := self.conditional(request, etag):
                return unchanged
        page = pages.page(asked, self.language)
        etag = page.etag()
        return self.conditional(request, etag) or self.whole(request, page.body(), etag)

    def _stream(self, asked: Asked) -> HttpResponseBase:
        seat = seats.streams.take()
        try:
            file = pages.spool(asked, self.language)
        except BaseException:
            seat.leave()
            raise
        response = StreamingHttpResponse(pieces(file), content_type=NDJSON)
        response._resource_closers += [file.close, seat.leave]  # type: ignore[attr-defined]
        return response


def pieces(file: IO[bytes]) -> Iterator[bytes]:
    """Yield what a file holds, piece by piece."""
    while piece := file.read(_PIECE):
        yield piece


class EntryView(ApiView):
    """One entry."""

    kind: Kind = Kind.SERVICE

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        self.parameters = OF_ENTRIES.get(self.kind, EVERYWHERE)

    def answer(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        full_service = bool(self.values.get("full_service"))
        shape = Shape(self.language, False, bool(self.values.get("extras")), full_service)
        try:
            found = by_id(self.view, self.kind, id_of_entry(kwargs["hsds_id"]), shape)
        except ValueError:
            found = {}
        if not found:
            raise Problem(404, _(_NOTHING))
        (one,) = found.values()
        if not shape.is_stored:
            (body,) = texts(self.view, found, shape)
            etag = etag_of(body)
            return self.conditional(request, etag) or self.whole(request, body, etag)
        etag = etag_of(self.view.name, self.view.version, shape, one.mark)
        unchanged = self.conditional(request, etag)
        return unchanged or self.whole(request, texts(self.view, found, shape)[0], etag)


class ChangesView(ApiView):
    """What has changed in the reader's view since a cursor."""

    parameters = OF_CHANGES

    def answer(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        limit = self.values.get("limit", _CHANGES)
        try:
            page = feed.read(self.view, self.values.get("after", ""), limit)
        except feed.BadCursor:
            raise Refused(
                Wrong("after", _("This is not a cursor from an earlier answer."))
            ) from None
        except feed.OldCursor:
            raise Problem(
                410,
                _(
                    "This cursor is older than 90 days, or from before a restore: start over, "
                    "without `after`."
                ),
            ) from None
        if self.reader.partner is not None:
            partners = DataPartner.objects.filter(pk=self.reader.partner.pk)
            partners.update(read_at=clock.now(), read_number=page.next.position)
        return JsonResponse(
            {
                "changes": [self._written(request, change) for change in page.changes],
                "next": str(page.next),
                "more": page.more,
            },
            json_dumps_params={"ensure_ascii": False},
        )

    def _written(self, request: HttpRequest, change: feed.Change) -> dict[str, Any]:
        made = {
            "type": change.kind,
            "id": change.hsds_id,
            "action": change.action,
            "at": moment(change.at),
        }
        if change.action == feed.PUT:
            path = reverse(f"hsds-{change.kind}", args=[change.hsds_id])
            made["url"] = request.build_absolute_uri(path)
        return made


class NoSuchPath(ApiView):
    """Whatever else is asked for."""

    http_method_names = ["get", "head", "post", "put", "patch", "delete", "options"]

    def answer(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        raise Problem(404, _(_NOTHING))

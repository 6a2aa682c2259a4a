"""The pages at /directory/."""

import json
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.decorators import method_decorator
from django.views import View as BaseView
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.gzip import gzip_page

from core.database import clock
from directory.api import seats
from directory.api.asking import language_of
from directory.editing import corrections
from directory.fields import in_language
from directory.listing.items import Shape, members, texts
from directory.listing.values import id_of_entry
from directory.models import (
    Directory,
    Entry,
    Kind,
    Membership,
    ServiceAtLocation,
    VerificationRequest,
    View,
)
from directory.pages import asking, searching, showing, suggesting
from directory.pages.asking import CHIPS, Query
from directory.pages.phrases import autonym, language_in_words, phrases, zone_in_words
from directory.pages.searching import Results
from directory.pages.when import Now
from directory.taking_in import standing, take_in
from directory.verifying import answers as verification
from integrations.sources.responses import Problem

_ALSO = 8  # other services at a place
_LANGUAGES = 5  # that a page of results offers beside those of the directory
_TOKEN = {"WWW-Authenticate": 'Bearer realm="directory"'}


# A search changes nothing, so it needs no token against forgery, and with it no cookie.
@method_decorator([csrf_exempt, gzip_page], name="dispatch")
class Page(BaseView):
    """What all pages have in common: whether there is a directory, the language, the frame."""

    http_method_names = ["get", "head"]
    needs_public = True  # without a public directory it answers 401

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        found = standing()
        if found is None:
            raise Http404
        self.directory = directory = found.directory
        self.language = self._language(request)
        self.phrases = phrases(self.language)
        if self.needs_public and directory.public == Directory.Public.NO:
            return self._finished(self.shown("closed", {}, 401, _TOKEN))
        try:
            seat = seats.requests.take()
        except Problem as problem:
            return self._finished(self.shown("busy", {}, problem.status, problem.headers))
        try:
            take_in(found)
            self.view = View.objects.get(name=View.Name.PAGES)
            return self._finished(super().dispatch(request, *args, **kwargs))
        finally:
            seat.leave()

    def _language(self, request: HttpRequest) -> str:
        """Return the language that was pressed now, else that of the link, else the browser's."""
        languages = self.directory.languages
        for wanted in (request.POST.get("to"), request.GET.get("to"), request.GET.get("lang")):
            if wanted in languages:
                return str(wanted)
        return language_of(request, languages)

    def _finished(self, response: HttpResponseBase) -> HttpResponseBase:
        response["Cache-Control"] = "no-cache"
        response["Content-Language"] = self.language
        response["Referrer-Policy"] = "no-referrer"
        patch_vary_headers(response, ["Accept-Language"])
        return response

    def shown(
        self,
        template: str,
        context: Mapping[str, Any],
        status: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> HttpResponse:
        """Return a page. Its template sees no request, and with it no session."""
        frame = {
            "directory": self.directory,
            "language": self.language,
            "w": self.phrases,
            "lang": f"?lang={self.language}",
            "others": [
                (other, autonym(other))
                for other in self.directory.languages
                if other != self.language
            ],
            "emergency": self._emergency(),
            "query": Query(),
            "chips": [],
        }
        html = render_to_string(f"directory/{template}.html", {**frame, **context})
        return HttpResponse(html, status=status, headers=dict(headers or {}))

    def _emergency(self) -> str:
        texts = self.directory.emergency
        return (
            in_language(texts, self.language, self.directory.languages) or self.phrases["emergency"]
        )

    def missing(self) -> HttpResponse:
        """Return what stands at each id outside the view: the same page for all."""
        return self.shown("missing", {}, 404)

    @property
    def now(self) -> Now:
        moment = clock.now().astimezone(self.directory.zone)
        local = moment.replace(tzinfo=None)
        return Now(local, self.directory.zone, self.language, self.phrases)

    def answers(self, keys: list[int], *, is_flat: bool = False) -> dict[int, Any]:
        """Return the answers of entries of the view, by their keys."""
        shape = Shape(self.language, is_flat)
        found = members(self.view, keys, shape)
        written = texts(self.view, found, shape)
        return {key: json.loads(text) for key, text in zip(found, written, strict=True)}


class SearchPage(Page):
    """The search, and what it finds. The form posts, so that words stand in no address."""

    http_method_names = ["get", "head", "post"]

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._searched(asking.read(request.GET))

    def post(self, request: HttpRequest) -> HttpResponse:
        return self._searched(asking.read(request.POST))

    def _searched(self, query: Query) -> HttpResponse:
        context: dict[str, Any] = {
            "query": query,
            "chips": self._chips(query, {}),
            "has_quick_exit": bool(self.directory.quick_exit_codes),
        }
        if query.is_empty:
            return self.shown("search", {**context, "topics": self._topics()})
        results = searching.search(query, self.view, self.directory, clock.now())
        return self.shown("search", {**context, **self._results(query, results)})

    def _chips(self, query: Query, answers: Mapping[int, Any]) -> list[tuple[str, str, bool]]:
        """Return name, words, and whether it is on, of each filter.

        Languages are those of the directory, those that the services on this page are in, and the
        one that is asked for.
        """
        own = [one.split("-")[0] for one in self.directory.languages]
        spoken = showing.languages(answers.values())[:_LANGUAGES]
        named = {
            code: self.phrases["chip_language"].format(name)
            for code in dict.fromkeys([*own, *spoken, *query.languages])
            if (name := language_in_words(code, self.language))
        }
        words_of = {one.name: self.phrases[f"chip_{one.name}"] for one in CHIPS}
        first = {"open": words_of.pop("open")}
        return [
            (name, text, name in query.chips)
            for name, text in (*first.items(), *named.items(), *words_of.items())
        ]

    def _topics(self) -> list[str]:
        return suggesting.topics(self.view, self.language, self.directory.languages)

    def _results(self, query: Query, results: Results) -> dict[str, Any]:
        now = self.now
        answers = self.answers(results.keys)
        found: dict[str, Any] = {
            "results": results,
            "chips": self._chips(query, answers),
            "cards": [
                showing.card(answer, results.distances.get(key), now)
                for key, answer in answers.items()
            ],
            "count": self._count(results),
            "link": query.link(self.language),
        }
        if results.pages > 1:
            found["page_of"] = self.phrases["page_of"].format(results.page, results.pages)
        if not results.total:
            found["corrected"] = suggesting.corrected(query.need, self.view)
            found["topics"] = self._topics()
        return found

    def _count(self, results: Results) -> str:
        if not results.total:
            return self.phrases["nothing"]
        one = results.total == 1
        count = self.phrases["one_service" if one else "services"].format(results.total)
        return f"{count}, {self.phrases['nearest_first']}" if results.is_near else count


class ServicePage(Page):
    """One service, whole. `?print=true`: without what is of no use on paper."""

    def get(self, request: HttpRequest, hsds_id: str) -> HttpResponseBase:
        try:
            wanted = id_of_entry(hsds_id)
        except ValueError:
            return self.missing()
        entry = Entry.objects.filter(kind=Kind.SERVICE, hsds_id=wanted).first()
        survivor = _survivor(entry) if entry else None
        answers = self.answers([survivor.pk]) if survivor else {}
        if not survivor or not answers:
            return self.missing()
        if survivor != entry:
            path = reverse("directory-service", args=[survivor.hsds_id])
            return HttpResponseRedirect(f"{path}?lang={self.language}")
        (answer,) = answers.values()
        return self.shown("service", self._context(survivor, answer, request))

    def _context(self, entry: Entry, answer: Any, request: HttpRequest) -> dict[str, Any]:
        now = self.now
        moment = clock.now().astimezone(self.directory.zone)
        codes = set(self.directory.quick_exit_codes)
        return {
            "record": showing.record(answer, now),
            "zone": zone_in_words(moment.strftime("%Z"), self.language),
            "also": self._also(entry),
            "has_quick_exit": bool(codes & showing.codes(answer)),
            "is_print": request.GET.get("print") == "true",
        }

    def _also(self, entry: Entry) -> list[tuple[str, str]]:
        """Return other services of the view at the places of this one; not confidential ones."""
        member = Membership.objects.filter(view=self.view, present=True, entry=OuterRef("pk"))
        shown = ServiceAtLocation.objects.filter(Exists(member))
        own = shown.filter(service=entry.pk, location__entry__secrecy__in=["", "cleared"])
        others = (
            shown.filter(location__in=own.values("location"))
            .exclude(service=entry.pk)
            .order_by("service")
            .values_list("service", flat=True)
            .distinct()[:_ALSO]
        )
        return showing.names(self.answers(list(others), is_flat=True).values())


class CorrectPage(Page):
    """A form in which anybody says what is wrong in a service. Staff review it, field by field."""

    http_method_names = ["get", "head", "post"]

    def get(self, request: HttpRequest, hsds_id: str) -> HttpResponse:
        found = self._found(hsds_id)
        return self._form(*found) if found else self.missing()

    def post(self, request: HttpRequest, hsds_id: str) -> HttpResponse:
        found = self._found(hsds_id)
        if not found:
            return self.missing()
        entry, answer = found
        if request.POST.get("website"):  # nobody sees this field but a program
            return self._form(entry, answer, is_sent=True)
        texts = {name: request.POST.get(name, "") for name in corrections.FIELDS}
        note = request.POST.get("note", "")
        try:
            number = corrections.suggest(entry, self.language, texts, answer, note)
        except corrections.TooMany:
            return self._form(entry, {**answer, **texts}, note=note, is_too_many=True)
        return self._form(entry, answer, is_sent=number > 0)

    def _found(self, hsds_id: str) -> tuple[Entry, Any] | None:
        """Return a service of the view with its answer."""
        try:
            wanted = id_of_entry(hsds_id)
        except ValueError:
            return None
        entry = Entry.objects.filter(kind=Kind.SERVICE, hsds_id=wanted).first()
        answers = self.answers([entry.pk]) if entry else {}
        return (entry, answers[entry.pk]) if entry and answers else None

    def _form(self, entry: Entry, answer: Any, **more: Any) -> HttpResponse:
        fields = [
            (name, self.phrases[_LABELS[name]], answer.get(name, "")) for name in corrections.FIELDS
        ]
        context = {"id": str(entry.hsds_id), "name": answer["name"], "fields": fields}
        return self.shown("correct", {**context, "longest": corrections.LONGEST, **more})


@method_decorator(csrf_exempt, name="dispatch")  # the token in the address is what allows it
class VerifyPage(Page):
    """What an agency answers by the link in its mail. Opening it, as mail scanners do, is nothing.

    The token is a credential: no log has it, no cache keeps the page, no other page hears of it.
    """

    http_method_names = ["get", "head", "post"]
    needs_public = False

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = super().dispatch(request, *args, **kwargs)
        response["Cache-Control"] = "no-store"
        response["X-Robots-Tag"] = "noindex"
        # Django would write the path of a refusal into the log.
        response._has_been_logged = True  # type: ignore[attr-defined]
        return response

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        try:
            return self._form(verification.find(token))
        except verification.Gone:
            return self._gone()

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        try:
            return self._answered(verification.find(token), request)
        except verification.Gone:
            return self._gone()

    def _answered(self, found: VerificationRequest, request: HttpRequest) -> HttpResponse:
        """Take the answer. Nothing to correct is none: the link stays open. Raises Gone."""
        try:
            if request.POST.get("answer") == "confirm":
                verification.confirm(found)
            elif not self._correct(found, request):
                return self._form(found)
        except corrections.TooMany:
            return self._form(found, is_too_many=True)
        return self.shown("verify", {"is_done": True})

    @transaction.atomic
    def _correct(self, found: VerificationRequest, request: HttpRequest) -> int:
        """Store what the agency sends, all or nothing; return how many corrections there are."""
        number = 0
        services = verification.services_of(found.agency)
        answers = self.answers([one.pk for one in services])
        note = request.POST.get("note", "")
        for service in services:
            if answer := answers.get(service.pk):
                texts = {
                    name: request.POST.get(f"{service.pk}-{name}", "")
                    for name in corrections.FIELDS
                }
                number += corrections.suggest(
                    service.entry, self.language, texts, answer, note, found
                )
                note = ""  # it stands with the first service
        if number:
            verification.claim(found)
        return number

    def _form(self, found: VerificationRequest, **more: Any) -> HttpResponse:
        services = verification.services_of(found.agency)
        answers = self.answers([one.pk for one in services])
        now = self.now
        entries = [
            {
                "record": showing.record(answer, now),
                "fields": [
                    (f"{key}-{name}", self.phrases[_LABELS[name]], answer.get(name, ""))
                    for name in corrections.FIELDS
                ],
            }
            for key, answer in answers.items()
        ]
        languages = self.directory.languages
        context = {
            "agency": in_language(found.agency.name, self.language, languages),
            "entries": entries,
            "longest": corrections.LONGEST,
        }
        return self.shown("verify", {**context, **more})

    def _gone(self) -> HttpResponse:
        return self.shown("gone", {}, 410)


_LABELS = {
    "name": "correct_name",
    "description": "description",
    "eligibility_description": "eligibility",
    "fees_description": "cost",
    "application_process": "apply",
    "wait_time": "wait_time",
}


def _survivor(entry: Entry) -> Entry | None:
    """Return the entry that this one was merged into at last; None where merges go in a circle."""
    seen = {entry.pk}
    while entry.merged_into_id:
        found = Entry.objects.filter(pk=entry.merged_into_id).first()
        if found is None or found.pk in seen:
            return None
        seen.add(found.pk)
        entry = found
    return entry

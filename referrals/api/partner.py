"""What a partner asks and answers, at /api/v1/partner.

It sees what its destination was sent, and nothing else: what was never delivered there cannot be
told from what does not exist.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

from django.http import FileResponse, HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from core import audit
from integrations import sources
from integrations.models import Destination, Source
from integrations.payload import instant
from integrations.sources.parsed import FieldError, Unusable
from integrations.sources.responses import Problem
from referrals.api import bodies, partner_schema
from referrals.api.authentication import Kinds
from referrals.api.bodies import Body
from referrals.api.views import SenderView
from referrals.intake import answering
from referrals.models import PartnerRequest, Version
from referrals.record import files, sending
from referrals.running import tasks

CONTENT_TYPES = ("application/merge-patch+json", "application/json")
MAX_BODY = 256 * 1024
MOST, USUAL = 500, 100  # referrals of one answer
LONGEST_KEY = 255
_NUMBER = re.compile(r"[0-9]{1,18}")
_ETAG = re.compile(r'(W/)?"[\x21\x23-\x7e\x80-\xff]*"')

NOT_DELIVERED = gettext_noop("Nothing with this name was delivered to you.")
GONE = gettext_noop("It was removed, withdrawn, or deleted, or may no longer be sent.")
UNLINKED = gettext_noop("This source is linked to no destination.")
NO_UPDATES = gettext_noop("Updates are not allowed for this partner.")
NO_IF_MATCH = gettext_noop("Send If-Match with the ETag that you read.")
STALE = gettext_noop("It has changed since you read it. Read it again.")
INVALID = gettext_noop("The update cannot be used. No part of it took effect.")
STILL_RUNNING = gettext_noop("The first request with this Idempotency-Key is still running.")
OTHER_REQUEST = gettext_noop("This Idempotency-Key was used with another address or body.")


class PartnerView(SenderView):
    """Knows which partner asks, and of which destination."""

    def kinds(self) -> Kinds:
        return {name: kind for name, kind in sources.kinds().items() if kind.answers}

    def partner_of(self, request: Request, body: Body | None = None) -> tuple[Source, Destination]:
        """Return the authenticated source and its destination; raises Problem 401, 403 or 429."""
        source = self.source_of(request, body)
        if source.destination is None or not source.destination.is_answered:
            raise Problem(403, _(UNLINKED))
        return source, source.destination


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except sending.NotDelivered:
        raise Problem(404, _(NOT_DELIVERED)) from None
    except sending.Gone:
        raise Problem(410, _(GONE)) from None


class ReferralsView(PartnerView):
    """What was delivered, in the order of delivery."""

    @extend_schema(**partner_schema.LIST)
    def get(self, request: Request) -> HttpResponse:
        destination = self.partner_of(request)[1]
        after = _number(request, "after", 0)
        limit = _number(request, "limit", USUAL)
        if not 1 <= limit <= MOST:
            raise _wrong("limit", _("A number from 1 to {most}.").format(most=MOST))
        found = sending.page(destination, after, limit)
        shown = found[:limit]
        return _json(
            {
                "referrals": [_row(version) for version in shown],
                "next": str(shown[-1].position if shown else after),
                "more": len(found) > limit,
            }
        )


def _row(version: Version) -> dict[str, Any]:
    return {
        "reference": version.delivery.reference,
        "version": version.number,
        "action": version.action,
        "changed_at": instant(version.asked_at),
    }


class ReferralView(PartnerView):
    """One referral, as it was last delivered, and what the partner said of it."""

    @extend_schema(**partner_schema.READ)
    def get(self, request: Request, reference: str) -> HttpResponse:
        source, destination = self.partner_of(request)
        with _refusals():
            version = sending.latest(destination, reference)
            answer = answering.show(version)
        audit.record(str(source), "read by partner", version.delivery)
        return _json(answer["data"], answer["etag"])

    @extend_schema(**partner_schema.ANSWER)
    def patch(self, request: Request, reference: str) -> HttpResponse:
        body = bodies.read(request._request, CONTENT_TYPES, MAX_BODY)
        source, destination = self.partner_of(request, body)
        with _refusals():
            version = sending.latest(destination, reference)
        if source.updates != Source.Updates.ALLOW:
            raise Problem(403, _(NO_UPDATES))
        claimed = _claim(request._request, source, version, body)
        if isinstance(claimed, dict):
            return _json(claimed["data"], claimed["etag"])
        try:
            shown = self._answer(request, source, destination, reference, body, claimed)
        except BaseException:
            if claimed is not None:
                answering.give_up(claimed)
            raise
        return _json(shown["data"], shown["etag"])

    def _answer(
        self,
        request: Request,
        source: Source,
        destination: Destination,
        reference: str,
        body: Body,
        claimed: PartnerRequest | None,
    ) -> answering.Answer:
        patch = _patch(source, body)
        matches = _if_match(request.headers.get("If-Match", ""))
        try:
            with _refusals():
                shown, event = answering.answer(
                    source, destination, reference, patch, matches, claimed
                )
        except answering.Stale as stale:
            raise Problem(412, _(STALE), headers={"ETag": stale.etag}) from None
        except answering.StillRunning:
            raise Problem(409, _(STILL_RUNNING)) from None
        tasks.wake_deliveries_of(event.pk)
        return shown


class FileView(PartnerView):
    """A file that a delivered version named."""

    @extend_schema(**partner_schema.FILE)
    def get(self, request: Request, reference: str, file_id: str) -> FileResponse:
        source, destination = self.partner_of(request)
        with _refusals():
            version, stored, named = sending.file(destination, reference, file_id)
        detail = {"file": named["id"], "sha256": named["sha256"]}
        audit.record(str(source), "download by partner", version.delivery, **detail)
        response = FileResponse(
            files.open_stored(stored),
            as_attachment=True,
            content_type=named["content_type"],
            filename=named["name"],
        )
        response["Content-Length"] = str(named["size"])
        response["Content-Security-Policy"] = "sandbox"
        response["X-Content-Type-Options"] = "nosniff"
        response["Cache-Control"] = "no-store"
        return response


# -- what stands in a request ----------------------------------------------------------------------


def _number(request: Request, name: str, usual: int) -> int:
    given = request.query_params.get(name)
    if given is None or given == "":
        return usual
    if not _NUMBER.fullmatch(given):
        raise _wrong(name, _("This is not a number from an earlier answer."))
    return int(given)


def _wrong(name: str, message: str) -> Problem:
    return Problem(422, _("The address cannot be used."), [FieldError(name, message)])


def _patch(source: Source, body: Body) -> dict[str, Any]:
    answers = cast("Any", sources.source_kind(source.kind).answers)
    try:
        return cast("dict[str, Any]", answers.read(body.content))
    except Unusable as unusable:
        raise Problem(422, _(INVALID), unusable.errors) from None


def _if_match(header: str) -> Callable[[str], bool]:
    """Return whether an ETag is one of the header's, compared strongly; raises Problem 428."""
    if header.strip() in ("", "*"):
        raise Problem(428, _(NO_IF_MATCH))
    named = {found.group() for found in _ETAG.finditer(header) if not found.group(1)}
    return named.__contains__


def _claim(
    request: HttpRequest, source: Source, version: Version, body: Body
) -> PartnerRequest | answering.Answer | None:
    """Win the request's Idempotency-Key, or return what was answered; None without a key."""
    key = request.headers.get("Idempotency-Key", "").strip()
    if not key:
        return None
    if len(key) > LONGEST_KEY:
        message = _("At most {count} characters.").format(count=LONGEST_KEY)
        error = FieldError("Idempotency-Key", message)
        raise Problem(422, _(INVALID), [error])
    repeat = answering.Repeat(source, key, request.path, body.content)
    try:
        return answering.claim(repeat, version.delivery)
    except answering.OtherRequest:
        error = FieldError("Idempotency-Key", _(OTHER_REQUEST))
        raise Problem(422, _(OTHER_REQUEST), [error]) from None
    except answering.StillRunning:
        raise Problem(409, _(STILL_RUNNING), headers={"Retry-After": "1"}) from None


def _json(data: dict[str, Any], etag: str = "") -> JsonResponse:
    headers = {"Cache-Control": "no-store"} | ({"ETag": etag} if etag else {})
    return JsonResponse(data, headers=headers)

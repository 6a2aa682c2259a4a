"""The calls of the import contract. Each is read into a `Call`; its `apply` takes effect."""

import json
from collections.abc import Mapping
from typing import Any

from sandbox.answers import Answer, json_answer, message
from sandbox.inbox import AlreadyExists, KeyReused, NoSuchReferral, Referral
from sandbox.requests import Request
from sandbox.rules import faults, validation
from sandbox.rules.options import MEBIBYTE, Options
from sandbox.state import Call, State
from sandbox.uploads import Refused, Upload, read_upload

MAX_JSON_BYTES = 4 * MEBIBYTE
KEY_REUSED = message(422, "This Idempotency-Key was used for another request")


def ping(state: State, request: Request) -> Call:
    """`GET /api/v1/ping`"""
    return Call(faults.PING, lambda: json_answer(200, {"status": "ok"}))


def look_up(state: State, request: Request) -> Call:
    """`GET /api/v1/referrals?external_reference=…`"""
    reference = request.query("external_reference")
    return Call(faults.LOOK_UP, lambda: _look_up(state, reference), reference)


def _look_up(state: State, reference: str) -> Answer:
    options = state.options
    if not options.look_up:
        return message(options.look_up_refusal, "There is no look-up here")
    if not reference:
        return message(400, "external_reference is required")
    if options.look_up_filters:
        found = state.inbox.with_reference(reference, settled_for=options.look_up_delay)
    else:
        found = state.inbox.referrals()
    results = [_result(referral, options) for referral in found]
    page = options.look_up_page
    if page and len(results) > page:
        return json_answer(200, {"results": results[:page], "next": "/api/v1/referrals?page=2"})
    return json_answer(200, {"results": results})


def _result(referral: Referral, options: Options) -> dict[str, Any]:
    """The list of attachments is this sandbox's extension of the contract."""
    result: dict[str, Any] = {"id": referral.id}
    if options.look_up_names:
        result["external_reference"] = referral.external_reference
    if options.attachment_listing:
        shown = ("id", "category", "sha256", "filename")
        files = referral.attachments
        result["attachments"] = [{name: getattr(file, name) for name in shown} for file in files]
    return result


def create(state: State, request: Request) -> Call:
    """`POST /api/v1/referrals`"""
    key = request.header("Idempotency-Key")
    try:
        body = read_json(request)
    except Refused as refused:
        refusal = message(refused.status, refused.text)
        return Call(faults.CREATE, lambda: refusal)
    reference = _text_at(body, "external_reference")
    email = _text_at(body.get("client") if isinstance(body, dict) else None, "email")
    return Call(faults.CREATE, lambda: _create(state, body, key), reference, email)


def _create(state: State, body: Any, key: str) -> Answer:
    wrong = validation.errors(body)
    if wrong:
        sentence = "; ".join(error["message"] for error in wrong)
        return json_answer(400, {"message": sentence, "errors": wrong})
    try:
        referral = state.inbox.create(body, key)
    except AlreadyExists as known:
        content = {"message": "Referral already exists", "id": known.referral.id}
        return json_answer(409, content)
    except KeyReused:
        return KEY_REUSED
    shown = ("id", "status", "external_reference")
    return json_answer(201, {name: getattr(referral, name) for name in shown})


def attach(state: State, request: Request, referral_id: str) -> Call:
    """`POST /api/v1/referrals/{id}/attachments`"""
    key = request.header("Idempotency-Key")
    upload: Upload | Refused
    try:
        limit = state.options.max_file_bytes
        upload = read_upload(request.header("Content-Type"), request.body, limit)
        is_summary = upload.category == "referral_summary"
    except Refused as refused:
        upload, is_summary = refused, False
    return Call(
        faults.SUMMARY if is_summary else faults.ATTACHMENT,
        lambda: _attach(state, referral_id, upload, key),
        *_referral_of(state, referral_id),
    )


def _referral_of(state: State, referral_id: str) -> tuple[str, str]:
    try:
        referral = state.inbox.get(referral_id)
    except NoSuchReferral:
        return "", ""
    return referral.external_reference, referral.email


def _attach(state: State, referral_id: str, upload: Upload | Refused, key: str) -> Answer:
    try:
        state.inbox.get(referral_id)
        if isinstance(upload, Refused):
            return message(upload.status, upload.text)
        return json_answer(201, {"id": state.inbox.attach(referral_id, upload, key).id})
    except NoSuchReferral:
        return message(404, "Referral not found")
    except KeyReused:
        return KEY_REUSED


def read_json(request: Request) -> Any:
    """Return the JSON of a body; raises Refused."""
    if not request.header("Content-Type").lower().startswith("application/json"):
        raise Refused(415, "The body must be application/json")
    if request.body.length > MAX_JSON_BYTES:
        raise Refused(413, "The body is too large")
    try:
        return json.loads(request.body.read(), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise Refused(400, "The body is not readable JSON") from error


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _text_at(content: Any, name: str) -> str:
    value = content.get(name) if isinstance(content, Mapping) else None
    return value if isinstance(value, str) else ""

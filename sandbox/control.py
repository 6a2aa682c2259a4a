"""JSON for tests: what the sandbox holds, and faults for a running one."""

from dataclasses import asdict
from typing import Any

from sandbox.answers import Answer, json_answer, message
from sandbox.api import read_json
from sandbox.inbox import Referral, StoredFile
from sandbox.requests import Request
from sandbox.rules.faults import BadFault, Fault
from sandbox.state import State
from sandbox.uploads import Refused


def referrals(state: State, request: Request) -> Answer:
    """`GET /sandbox/referrals`: all of them, oldest first, with what is known of their files."""
    oldest_first = reversed(state.inbox.referrals())
    return json_answer(200, {"referrals": [_referral(referral) for referral in oldest_first]})


def _referral(referral: Referral) -> dict[str, Any]:
    return {
        "id": referral.id,
        "external_reference": referral.external_reference,
        "status": referral.status,
        "idempotency_key": referral.idempotency_key,
        "received_at": referral.received_at.isoformat(),
        "body": referral.body,
        "attachments": [_file(file) for file in referral.attachments],
    }


def _file(file: StoredFile) -> dict[str, Any]:
    shown = ("id", "category", "filename", "content_type", "size", "sha256", "idempotency_key")
    known = {name: getattr(file, name) for name in shown}
    return known | {"received_at": file.received_at.isoformat()}


def file_bytes(state: State, request: Request, file_id: str) -> Answer:
    """`GET /sandbox/files/{id}`: the bytes as they came."""
    file = state.inbox.file(file_id)
    if file is None or file.content is None:
        return message(404, "There is no such file")
    return Answer(
        200, file.content, "application/octet-stream", {"Content-Disposition": "attachment"}
    )


def counts(state: State, request: Request) -> Answer:
    """`GET /sandbox/ledger`: how much was applied, and what was asked."""
    return json_answer(200, state.counts())


def calls(state: State, request: Request) -> Answer:
    """`GET /sandbox/calls`: every call so far, oldest first."""
    return json_answer(200, {"calls": [asdict(seen) for seen in list(state.calls)]})


def planned_faults(state: State, request: Request) -> Answer:
    """`GET /sandbox/faults`: those still to come."""
    return json_answer(200, {"faults": [asdict(fault) for fault in state.faults.planned()]})


def add_fault(state: State, request: Request) -> Answer:
    """`POST /sandbox/faults`: one fault, `{"step": "create", "mode": "timeout-after"}`."""
    try:
        state.faults.add(Fault.from_json(read_json(request)))
    except BadFault as error:
        return message(400, str(error))
    except Refused as refused:
        return message(refused.status, refused.text)
    return json_answer(201, {"faults": [asdict(fault) for fault in state.faults.planned()]})


def clear_faults(state: State, request: Request) -> Answer:
    """`DELETE /sandbox/faults`"""
    state.faults.clear()
    return Answer(204)


def clear(state: State, request: Request) -> Answer:
    """`DELETE /sandbox`: forget referrals, files, faults and calls, in the ledger too."""
    state.clear()
    return Answer(204)


def elsewhere(state: State, request: Request) -> Answer:
    """Where the mode `redirect` leads; an id from here shows that a sender followed it."""
    return json_answer(201, {"id": "RF-0", "status": "elsewhere"})

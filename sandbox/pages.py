"""The inbox as web pages: what arrived, as a person at the CRMS would see it."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from django.template import Context, Engine
from django.utils.http import content_disposition_header

from sandbox import notices
from sandbox.answers import Answer, html_answer
from sandbox.inbox import NoSuchReferral, Referral, StoredFile
from sandbox.requests import Request
from sandbox.rules.faults import MODES
from sandbox.rules.validation import FIELDS, group_of
from sandbox.state import State

HERE = Path(__file__).parent
ENGINE = Engine(dirs=[str(HERE / "templates")])
ASSET_TYPES = {".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}

# What a browser may show: told by the first bytes, never by what the sender said.
_SHOWN = {
    b"%PDF-": "application/pdf",
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF8": "image/gif",
}
_PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; frame-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_SECURITY = {
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_TITLES = {
    "client": "Client",
    "requester": "Requester",
    "appointment": "Appointment",
}


def inbox(state: State, request: Request) -> Answer:
    """`GET /`: all referrals, newest first."""
    referrals = [
        {"referral": referral, "name": _name(referral), "program": referral.body.get("program")}
        for referral in state.inbox.referrals()
    ]
    return _page(
        200,
        "inbox.html",
        referrals=referrals,
        notices=notices.summed_up(state),
        modes=MODES.values(),
    )


def _name(referral: Referral) -> str:
    client = referral.body.get("client") or {}
    names = (client.get(key) for key in ("first_name", "middle_name", "last_name"))
    return " ".join(name for name in names if name)


def referral(state: State, request: Request, referral_id: str) -> Answer:
    """`GET /referrals/RF-…`: everything that came, and the files."""
    try:
        found = state.inbox.get(referral_id)
    except NoSuchReferral:
        return _page(404, "missing.html", what="referral")
    files = [{"file": file, "is_shown": bool(_shown_as(file))} for file in found.attachments]
    return _page(
        200,
        "referral.html",
        referral=found,
        name=_name(found),
        program=found.body.get("program"),
        source=found.body.get("source"),
        groups=list(_groups(found.body)),
        others=list(_others(found.body)),
        note=found.body.get("referral_note"),
        files=files,
        summary=_summary(found),
    )


def _groups(body: Mapping[str, Any]) -> Iterator[tuple[str, list[tuple[str, Any]]]]:
    for name, title in _TITLES.items():
        known = [
            (field.label, value)
            for field in FIELDS
            if field.group == name and (value := group_of(field, body).get(field.name))
        ]
        if known:
            yield title, known


def _others(body: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What was sent beside the fields of the contract."""
    known = {field.key for field in FIELDS}
    for name, value in body.items():
        if name in _TITLES and isinstance(value, dict):
            inner = ((f"{name}.{key}", content) for key, content in value.items())
            yield from ((key, _text(content)) for key, content in inner if key not in known)
        elif name not in known:
            yield name, _text(value)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _summary(referral: Referral) -> StoredFile | None:
    for file in referral.attachments:
        if file.category == "referral_summary" and _shown_as(file) == "application/pdf":
            return file
    return None


def view_file(state: State, request: Request, file_id: str) -> Answer:
    """`GET /files/AT-…`: shown in the browser where that is safe, else to be saved."""
    return _file_answer(state.inbox.file(file_id), as_attachment=False)


def download_file(state: State, request: Request, file_id: str) -> Answer:
    """`GET /files/AT-…/download`"""
    return _file_answer(state.inbox.file(file_id), as_attachment=True)


def _file_answer(file: StoredFile | None, *, as_attachment: bool) -> Answer:
    if file is None or file.content is None:
        return _page(404, "missing.html", what="file")
    shown_as = _shown_as(file)
    is_saved = as_attachment or not shown_as
    headers = {
        "Content-Disposition": content_disposition_header(is_saved, file.filename or file.id)
        or "inline",
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'self'",
        **_SECURITY,
    }
    return Answer(200, file.content, shown_as or "application/octet-stream", headers)


def _shown_as(file: StoredFile) -> str:
    content = file.content or b""
    return next((kind for start, kind in _SHOWN.items() if content.startswith(start)), "")


def asset(state: State, request: Request, name: str) -> Answer:
    """`GET /style.css`, `GET /icon.svg`"""
    path = HERE / "templates" / name
    return Answer(200, path.read_bytes(), ASSET_TYPES[path.suffix], _SECURITY)


def _page(status: int, template: str, **shown: Any) -> Answer:
    page = ENGINE.get_template(template).render(Context(shown))
    return html_answer(
        status,
        page,
        Content_Security_Policy=_PAGE_POLICY,
        **{name.replace("-", "_"): value for name, value in _SECURITY.items()},
    )

"""The body of a push. Pure."""

import base64
from typing import Any

from integrations.payload import data_of, made_at
from integrations.transport import Action, Parcel

PUT, REMOVE = "referral.put", "referral.remove"
INLINE_BYTES = 5 * 1024 * 1024  # of all files of one push together


def message(parcel: Parcel, *, inline_files: bool) -> dict[str, Any]:
    """Return the body that brings or removes a version: the same on every try."""
    data = data_of(parcel)
    if inline_files:
        _put_files_into(data, parcel)
    kind = REMOVE if parcel.action is Action.REMOVE else PUT
    return {"type": kind, "timestamp": made_at(parcel), "data": data}


def _put_files_into(data: dict[str, Any], parcel: Parcel) -> None:
    """Put the bytes of files beside what is said of them, as far as they fit."""
    left = INLINE_BYTES
    for file, document in zip(data.get("files", []), parcel.documents, strict=False):
        if document.size <= left:
            left -= document.size
            with document.open() as stream:
                file["data"] = base64.b64encode(stream.read()).decode()

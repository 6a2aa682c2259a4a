"""Ids of a supplier as ids of HSDS: a UUID is kept, another id always becomes the same UUID."""

import re
import uuid

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)


def is_uuid(sent: str) -> bool:
    """Return whether what a supplier calls an id is one of HSDS already."""
    return bool(_UUID.fullmatch(sent.strip()))


def identify(source: str, table: str, sent: str) -> uuid.UUID:
    """Return the id in HSDS of what a supplier calls `sent` in a table of HSDS 3.1."""
    sent = sent.strip()
    if is_uuid(sent):
        return uuid.UUID(sent)
    return uuid.uuid5(uuid.NAMESPACE_URL, f"urn:dovetail:{source}:{table}:{sent}")

"""From a record to the body of a create call; pure."""

from collections.abc import Mapping
from typing import Any

REFERENCE = "external_reference"


def create_body(
    reference: str, record: Mapping[str, Any], names: Mapping[str, str]
) -> dict[str, Any]:
    """Nest a flat record by the dots of its keys: `client.city` becomes `{"client": {"city": …}}`.

    `names` renames fields. The reference is always in the body, as it is: the look-up needs it.
    """
    flat = {**record, REFERENCE: reference}
    body: dict[str, Any] = {}
    for key, value in flat.items():
        *groups, last = names.get(key, key).split(".")
        place = body
        for group in groups:
            place = place.setdefault(group, {})
        place[last] = value
    return body

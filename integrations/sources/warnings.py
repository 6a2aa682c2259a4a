"""What staff are warned of when a message is read: where, and the cause.

A row stores field and cause, never the sentence (`sentence`). The text that came is stored
encrypted, beside them, and shown only to those who may read the person.
"""

import dataclasses

from mapping.source.unreadable import CAUSES, field_name, sentence

__all__ = ["CAUSES", "Warning", "field_name", "sentence"]


@dataclasses.dataclass(frozen=True, slots=True)
class Warning:
    """One value that could not be used as it came.

    `field` says where it stands in the sender's words, `path` which part of the document it was
    for; neither holds personal data. `text` is what came, and may. `parts` are those of the message
    in which the fault is, where the field does not say.
    """

    field: str
    cause: str
    text: str = dataclasses.field(default="", repr=False)
    path: str = ""
    parts: tuple[str, ...] = dataclasses.field(default=(), repr=False, compare=False)

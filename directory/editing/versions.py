"""Earlier versions of an entry: what they were, and putting one back."""

from typing import Any

from directory import documents
from directory.editing.recording import edit
from directory.models import Revision

REASON = "earlier version put back"


def put_back(revision: Revision, user: Any) -> None:
    """Make the entry what it was before the revision, as a change of its own.

    What is confidential stays confidential. Raises ValueError where the revision made the entry:
    there was nothing before it.
    """
    if revision.before is None:
        raise ValueError("There is no version before this one.")
    with edit([revision.entry_id], user, REASON):
        documents.put_back(revision.entry_id, revision.before)

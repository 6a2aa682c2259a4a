"""How many entries of a kind a view has: counted once, until the view changes."""

from django.db import connection
from django.db.models import F

from directory.models import Numbering, View

_COUNT = """
    SELECT (
        SELECT COUNT(*) FROM directory_membership member
        WHERE member.view_id = view.id AND member.kind = %s AND member.present
    ), (
        SELECT numbering.mark FROM directory_numbering numbering
        WHERE numbering.view_id = view.id AND numbering.last = view.last_number
        AND NOT EXISTS (
            SELECT 1 FROM directory_membership member
            WHERE member.view_id = view.id AND member.number IS NULL
        )
    )
    FROM directory_view view WHERE view.id = %s
"""
_counted: dict[tuple[int, str], tuple[int, int]] = {}


def total(view: View, kind: str) -> int:
    """Return how many entries of the kind the view has.

    Each giving of numbers has a random mark. What enters or leaves a view is without a number
    until the next one, so a count without such rows is true as long as the mark is the same, also
    of a database that was restored from a copy.
    """
    counted = _counted.get((view.pk, kind))
    if counted is not None and counted[0] == view.mark:
        return counted[1]
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [kind, view.pk])
        found, mark = cursor.fetchone()
    if mark is not None:
        _counted[view.pk, kind] = (mark, found)
    return int(found)


def mark(view: View) -> int | None:
    """Return the mark of the last giving of numbers in the view; None where there was none yet."""
    numberings = Numbering.objects.filter(view=view, view__last_number=F("last"))
    return numberings.values_list("mark", flat=True).first()

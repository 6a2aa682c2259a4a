"""In whatever order versions arrive, and however often, the newest one is there."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from django.test import override_settings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integrations.destinations.sql.targets import Target, a_parcel, a_removal

REFERENCES = ("3502768696", "3502768602")
actions = st.tuples(st.sampled_from(REFERENCES), st.integers(1, 6))
# What each version does is fixed; tries of it come in any order and any number of times.
histories = st.fixed_dictionaries(
    {one: st.lists(st.booleans(), min_size=6, max_size=6) for one in REFERENCES}
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    history=histories, arrivals=st.lists(actions, min_size=1, max_size=14), size=st.integers(1, 4)
)
def test_an_older_version_never_takes_the_place_of_a_newer_one(
    history: dict[str, list[bool]], arrivals: Sequence[tuple[str, int]], size: int, tmp_path: Path
) -> None:
    (tmp_path / "copy.db").unlink(missing_ok=True)
    with override_settings(EXPORT_ROOT=str(tmp_path)):
        target = Target({"url": "sqlite:///copy.db"})
        for start in range(0, len(arrivals), size):
            target.bring(*(version(history, *one) for one in arrivals[start : start + size]))
    with closing(sqlite3.connect(tmp_path / "copy.db")) as connection:
        there = dict(connection.execute("SELECT reference, version FROM dovetail_referral"))
        answers = dict(connection.execute("SELECT reference, value FROM dovetail_answer"))
        removed = {one for (one,) in connection.execute("SELECT reference FROM dovetail_removed")}
    for reference in REFERENCES:
        newest = max((number for one, number in arrivals if one == reference), default=None)
        is_put = newest is not None and history[reference][newest - 1]
        assert there.get(reference) == (newest if is_put else None)
        assert answers.get(reference) == (f"answer {newest}" if is_put else None)
        assert (reference in removed) == (newest is not None and not is_put)


def version(history: dict[str, list[bool]], reference: str, number: int) -> Any:
    if not history[reference][number - 1]:
        return a_removal(reference, number)
    answers = [{"form": "f", "key": "q", "label": "q", "value": f"answer {number}"}]
    return a_parcel(reference, number, shown={"form_answers": answers})

"""Membership rows: which entries a view has, each with the hash of what the view sees of it."""

import json
from collections import defaultdict
from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.db import connection

from directory import columns
from directory.answers.building import digest, written
from directory.changes import in_parts
from directory.models import Answer, Entry, Holding, Kind, Membership, View
from directory.views.cutting import Outside, cut
from directory.views.excluding import paths, without_excluded
from directory.views.rules import ORDER, Rules

Keys = Collection[int]


def refresh(rules: Rules, touched: Keys) -> None:
    """Bring the memberships of a view up to date with entries that were built anew.

    In the caller's transaction. `touched` has the entries that were built, and those that they
    held before. What enters or leaves takes along what comes with it; what changed gets its number
    later: `number` is NULL until then.
    """
    flipped = _flip(rules, {*touched, *rules.also_touched(touched)})
    holders = _pairs(Holding.objects.filter(held__in=flipped), "holder")
    _hash(rules, {*touched, *flipped, *holders})


# -- who is in ------------------------------------------------------------------------------------


def _flip(rules: Rules, touched: Keys) -> set[int]:
    """Let entries in and out; return which."""
    flipped: set[int] = set()
    candidates = _by_kind({*touched, *_entries_in(touched)})
    for kind in ORDER:
        keys = candidates[kind]
        while keys:
            new = _let_in_and_out(rules, kind, keys)
            flipped |= new
            for other, more in _by_kind(_entries_in(new)).items():
                candidates[other] |= more
            # A term's parent is a term: it is looked at after the term.
            keys = candidates[kind] & _entries_in(new) - flipped if new else set()
    return flipped


def _let_in_and_out(rules: Rules, kind: str, keys: Keys) -> set[int]:
    members = Membership.objects.filter(view=rules.view)
    present, known = set(), set()
    visible: set[int] = set()
    for some in in_parts(keys):
        visible |= rules.visible(Kind(kind), some)
        for key, is_present in members.filter(entry__in=some).values_list("entry", "present"):
            known.add(key)
            if is_present:
                present.add(key)
    entering, leaving = visible - present, present - visible
    new = Entry.objects.filter(pk__in=entering - known).order_by("pk")
    Membership.objects.bulk_create(
        Membership(view=rules.view, entry_id=key, kind=kind, hsds_id=hsds_id, hash="")
        for key, hsds_id in new.values_list("pk", "hsds_id")
    )
    members.filter(entry__in=entering & known).update(
        present=True, hash="", number=None, entered=None
    )
    # What has never had a number, no reader of a feed has heard of.
    members.filter(entry__in=leaving, at=None).delete()
    members.filter(entry__in=leaving).update(present=False, hash="", number=None)
    return entering | leaving


def _entries_in(keys: Keys) -> set[int]:
    return _pairs(Holding.objects.filter(holder__in=keys), "held")


def _pairs(found: Any, side: str) -> set[int]:
    return set(found.values_list(side, flat=True))


def _by_kind(keys: Keys) -> dict[str, set[int]]:
    found: dict[str, set[int]] = defaultdict(set)
    for some in in_parts(keys):
        for key, kind in Entry.objects.filter(pk__in=some).values_list("pk", "kind"):
            found[kind].add(key)
    return found


# -- what the view sees of them -------------------------------------------------------------------


def _hash(rules: Rules, keys: Keys) -> None:
    for some in in_parts(keys):
        members = Membership.objects.filter(view=rules.view, present=True, entry__in=some)
        changed = {}
        outside = outside_of(rules.view.pk, some)
        is_narrow = bool(rules.view.excluded)
        answers = _answers([key for key in some if is_narrow or key in outside])
        for member in members.values_list(*_OF_MEMBERS, named=True):
            found, is_cut = member.entry__content_hash, False
            if is_narrow or member.entry in outside:
                texts = answers.get(member.entry, [])
                hidden = outside.get(member.entry, ())
                found, is_cut = _seen(member.kind, found, texts, rules.view, hidden)
            if (member.hash, member.cut) != (found, is_cut):
                changed[member.pk] = (found, is_cut, None)
        columns.write(Membership, ["hash", "cut", "number"], changed)


_OF_MEMBERS = ("pk", "entry", "kind", "hash", "cut", "entry__content_hash")


def _seen(
    kind: str, whole: str, texts: list[str], view: View, outside: Outside
) -> tuple[str, bool]:
    """Return the hash of what a view sees of an entry's answers, and whether that is not `whole`,
    the hash of all of them."""
    seen = [written(seen_by(kind, json.loads(text), view.excluded, outside)) for text in texts]
    return (whole, False) if seen == texts else (digest(seen), True)


def seen_by(
    kind: str, made: dict[str, Any], excluded: frozenset[str], outside: Outside
) -> dict[str, Any]:
    """Return the answer of an entry as a view sees it: without what is outside or excluded."""
    return without_excluded(cut(made, outside), kind, paths(excluded))


def _answers(keys: Keys) -> dict[int, list[str]]:
    found: dict[int, list[str]] = defaultdict(list)
    stored = Answer.objects.filter(entry__in=keys).order_by("entry", "language")
    for key, text in stored.values_list("entry", "full"):
        found[key].append(text)
    return found


def outside_of(view: int, keys: Collection[int]) -> dict[int, Outside]:
    """Return what the answers of entries hold and the view does not have, as kinds and ids."""
    if not keys:
        return {}
    found: dict[int, set[tuple[str, str]]] = defaultdict(set)
    sql = _OUTSIDE.format(keys=", ".join(["%s"] * len(keys)))
    with connection.cursor() as cursor:
        cursor.execute(sql, [*keys, view])
        for holder, kind, hsds_id in cursor.fetchall():
            found[holder].add((kind, str(UUID(str(hsds_id)))))
    return {**found}


# Materialized: nearly all that is held is in the view, and PostgreSQL would first read all entries.
_OUTSIDE = """
    WITH outside AS MATERIALIZED (
        SELECT holding.holder_id, holding.held_id
        FROM directory_holding holding
        WHERE holding.holder_id IN ({keys}) AND NOT EXISTS (
            SELECT 1 FROM directory_membership member
            WHERE member.view_id = %s AND member.present AND member.entry_id = holding.held_id
        )
    )
    SELECT outside.holder_id, held.kind, held.hsds_id
    FROM outside
    JOIN directory_entry held ON held.id = outside.held_id AND held.withdrawn_by = ''
"""

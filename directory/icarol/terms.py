"""Terms of a view as iCarol's API shows them, by their codes."""

import json
from collections.abc import Collection
from typing import Any

from directory.icarol.records import Context
from directory.listing.items import Shape, members, texts
from directory.models import Answer, Entry, Kind, TaxonomyTerm

BETWEEN = " > "  # the names of a path
_DEEPEST = 20


def by_codes(context: Context, codes: Collection[str]) -> list[dict[str, Any]]:
    """Return the terms with these codes, in order; without a code, those at the top.

    Where several taxonomies have a code, that of `airs_taxonomy` is the one.
    """
    view, taxonomy = context.view, context.directory.airs_taxonomy
    found = TaxonomyTerm.objects.filter(
        entry__memberships__view=view, entry__memberships__present=True
    ).exclude(code="")
    if codes:
        found = found.filter(code__in=set(codes))
    elif view.shows("taxonomy_term.parent_id"):
        found = found.filter(parent=None)
    rows = found.order_by("code", "entry__hsds_id").values_list(
        "code", "taxonomy__short_name", "pk"
    )
    by_code: dict[str, int] = {}
    for code, name, key in rows:
        if code not in by_code or (taxonomy and name == taxonomy):
            by_code[code] = key
    keys = [by_code[code] for code in (dict.fromkeys(codes) or by_code) if code in by_code]
    return _written(context, keys)


def _written(context: Context, keys: list[int]) -> list[dict[str, Any]]:
    terms = _read(context, keys)
    parents = dict(terms)
    for _ in range(_DEEPEST):
        wanted = {made["parent_id"] for made in parents.values() if "parent_id" in made}
        missing = wanted - {made["id"] for made in parents.values()}
        if not missing:
            break
        entries = Entry.objects.filter(kind=Kind.TAXONOMY_TERM, hsds_id__in=missing)
        parents |= _read(context, list(entries.values_list("pk", flat=True)))
    by_id = {made["id"]: made for made in parents.values()}
    found = Answer.objects.filter(entry__in=list(terms), language=context.language)
    synonyms = {
        key: extras.get(f"{Kind.TAXONOMY_TERM}/{terms[key]['id']}", {}).get("x_synonyms", [])
        for key, extras in found.values_list("entry", "extras")
    }
    return [
        {
            "code": made["code"],
            "name": made["name"],
            "path": BETWEEN.join(_path(made, by_id)),
            "definition": made["description"],
            "synonyms": synonyms.get(key, []),
        }
        for key, made in terms.items()
    ]


def _read(context: Context, keys: Collection[int]) -> dict[int, dict[str, Any]]:
    shape = Shape(context.language)
    found = members(context.view, keys, shape)
    answers = texts(context.view, found, shape)
    return {key: json.loads(text) for key, text in zip(found, answers, strict=True)}


def _path(made: dict[str, Any], by_id: dict[str, dict[str, Any]]) -> list[str]:
    """Return the names from the top to a term; a chain that loops ends."""
    names: list[str] = []
    one: dict[str, Any] | None = made
    while one is not None and len(names) < _DEEPEST:
        names.insert(0, one["name"])
        one = by_id.get(one.get("parent_id", ""))
    return names

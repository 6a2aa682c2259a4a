"""The terms of an entry, as staff choose them."""

from collections.abc import Collection

from django.db.models import QuerySet

from directory.models import Attribute, EntryRow, TaxonomyTerm


def of(row: EntryRow) -> "QuerySet[Attribute]":
    """Return what says terms of the entry itself, in its order."""
    found = Attribute.objects.filter(link_entity=row.KIND, link=row.pk, taxonomy_term__isnull=False)
    return found.select_related("taxonomy_term").order_by("pk")


def find(text: str) -> TaxonomyTerm | None:
    """Return the term with a code, or with a name in any language where only one has it."""
    text = text.strip()
    known = TaxonomyTerm.objects.filter(entry__withdrawn_by="").select_related("entry")
    by_code = list(known.filter(code__iexact=text)[:2]) if text else []
    if len(by_code) == 1:
        return by_code[0]
    named = [
        term
        for term in known.iterator()
        if any(name.casefold() == text.casefold() for name in term.name.values())
    ]
    return named[0] if len(named) == 1 else None


def change(row: EntryRow, gone: Collection[int], added: Collection[TaxonomyTerm]) -> None:
    """Take terms away, by the keys of what says them, and add others; in `recording.edit`."""
    of(row).filter(pk__in=gone).delete()
    here = set(of(row).values_list("taxonomy_term", flat=True))
    for term in added:
        if term.pk not in here:
            Attribute.objects.create(link_entity=row.KIND, link=row.pk, taxonomy_term=term)
            here.add(term.pk)

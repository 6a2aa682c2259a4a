"""Words to try: the nearest ones to a word that finds nothing, and the topics of the directory."""

from collections.abc import Iterable

from django.db.models import Count, Exists, OuterRef, Q
from django.db.models.functions import Length

from directory.fields import in_language
from directory.models import Attribute, Membership, TaxonomyTerm, View, Word
from directory.reading.words import words

_SHORTEST = 4  # letters: a shorter word is near to too many
_CANDIDATES = 3000
TOPICS = 8


def corrected(need: str, view: View) -> str:
    """Return what was probably intended, with words of the view; empty where nothing is near."""
    wanted = words(need)[:8]
    found = [_nearest(word, view) for word in wanted]
    better = [near or word for word, near in zip(wanted, found, strict=True)]
    return " ".join(better) if any(found) else ""


def _nearest(word: str, view: View) -> str:
    """Return the nearest other word of the view; empty where the word itself begins one."""
    if len(word) < _SHORTEST:
        return ""
    # As a rule the first letter is right; else it is swapped with the second, or too many.
    firsts = Q()
    for letter in {word[0], word[1]}:
        firsts |= Q(word__gte=letter, word__lt=letter + "\U0010ffff")
    allowed = 1 if len(word) < 7 else 2
    candidates = (
        Word.objects.filter(firsts, _member(view, "entry"))
        .annotate(letters=Length("word"))
        .filter(letters__gte=len(word) - allowed)
        .order_by()
        .values_list("word")
        .annotate(often=Count("pk"))
        .order_by("-often")[:_CANDIDATES]
    )
    best, best_distance = "", allowed + 1
    for candidate, _ in candidates:
        if candidate.startswith(word):
            return ""
        distance = edits(word, candidate, allowed)
        if distance < best_distance:
            best, best_distance = candidate, distance
    return best


def edits(one: str, other: str, most: int) -> int:
    """Return how many letters are to be changed, added, taken out, or swapped with the next one.

    More than `most` is `most + 1`.
    """
    if abs(len(one) - len(other)) > most:
        return most + 1
    before: list[int] = []
    row = list(range(len(other) + 1))
    for place, letter in enumerate(one, start=1):
        last, row, older = row, [place], before
        for at, second in enumerate(other, start=1):
            cost = min(last[at] + 1, row[-1] + 1, last[at - 1] + (letter != second))
            is_swap = place > 1 and at > 1 and letter == other[at - 2] and second == one[place - 2]
            row.append(min(cost, older[at - 2] + 1) if is_swap else cost)
        before = last
        if min(row) > most:
            return most + 1
    return min(row[-1], most + 1)


def topics(view: View, language: str, languages: Iterable[str]) -> list[str]:
    """Return the names of the terms that most services of the view have."""
    services = Attribute.objects.filter(link_entity="service", taxonomy_term__isnull=False)
    often = (
        services.filter(_member(view, "link"), _member(view, "taxonomy_term"))
        .order_by()
        .values_list("taxonomy_term")
        .annotate(often=Count("pk"))
        .order_by("-often", "taxonomy_term")[:TOPICS]
    )
    keys = [key for key, _ in often]
    names = dict(TaxonomyTerm.objects.filter(pk__in=keys).values_list("pk", "name"))
    found = [in_language(names[key], language, list(languages)) for key in keys if key in names]
    return list(dict.fromkeys(filter(None, found)))


def _member(view: View, field: str) -> Exists:
    return Exists(Membership.objects.filter(view=view, present=True, entry=OuterRef(field)))

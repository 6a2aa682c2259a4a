"""Reading the answer to a look-up: ours, nothing there, or nothing that proves anything."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from core.outbound import Answer
from integrations.destinations.crms import sentences
from integrations.destinations.crms.answers import readable_id
from integrations.destinations.crms.body import REFERENCE
from integrations.http.bodies import header, pluck, read_json
from integrations.transport import Document

MOST_DEEP = 6
# Names are compared in lower case, without `_`, `-` and the like.
_NEXT = ("next", "nextpage", "nexturl", "nexturi", "nextlink", "nextcursor", "nextpagetoken")
_MORE = ("hasmore", "hasnext", "hasnextpage", "more", "moreresults")
_COUNTS = ("count", "total", "totalcount", "totalresults", "totalitems", "totalrecords", "numfound")
_NO = ("", "false", "no", "0", "null", "none")
_NAME = re.compile(r"[^a-z0-9]")
_NEXT_LINK = re.compile(r";\s*rel\s*=\s*(?:\"[^\"]*\bnext\b[^\"]*\"|next\b)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Found:
    """What a look-up has listed for a reference.

    `listed` is None where the answer cannot be read. Each result comes with its id, and with the
    reference that it names; empty when it names none.
    """

    reference: str
    listed: tuple["Result", ...] | None
    more: bool = False

    @property
    def nothing(self) -> bool:
        """Whether it says that nothing is there, and that this is all."""
        return self.listed == () and not self.more

    @property
    def foreign(self) -> bool:
        """Whether it lists a referral of another reference than the one that was asked for."""
        return any(one.names not in ("", self.reference) for one in self.listed or ())

    def ours(self, *, filters: bool) -> str:
        """Return the id of the one referral that is proved to be ours; empty otherwise.

        One that names no reference is ours only in a search that is proved to filter.
        """
        if self.listed is None or len(self.listed) != 1 or self.more:
            return ""
        [only] = self.listed
        return only.id if only.names == self.reference or (filters and not only.names) else ""

    def seen(self) -> str:
        """Say in a sentence what was seen, when it proves nothing."""
        if self.listed is None:
            return sentences.UNREADABLE_LIST()
        if self.foreign:
            return sentences.LISTED_OTHERS()
        ids = [one.id for one in self.listed[:5] if one.id]
        if len(self.listed) > 1:
            return sentences.LISTED_SEVERAL(ids=ids)
        if self.more:
            return sentences.LISTED_A_PART()
        if self.nothing:
            return sentences.LISTED_NOTHING()
        if not ids:
            return sentences.LISTED_WITHOUT_ID()
        return sentences.LISTED_WITHOUT_REFERENCE(ids=ids)


@dataclass(frozen=True, slots=True)
class Result:
    """One referral in the list; `files` are its files as listed, None without a list."""

    id: str
    names: str
    files: list[Any] | None


def read(answer: Answer, reference: str, options: Mapping[str, Any]) -> Found:
    """Read the answer to a look-up; anything but a 200 with a list cannot be read."""
    body = read_json(answer)
    results = pluck(body, options["results_field"])
    if answer.status != 200 or not isinstance(results, list):
        return Found(reference, None)
    listed = tuple(_result(one, options) for one in results)
    more = _links_on(answer) or any(_signs_of_more(body, results, 0))
    return Found(reference, listed, more)


def _result(body: Any, options: Mapping[str, Any]) -> Result:
    files = pluck(body, options["files_field"])
    return Result(
        readable_id(body, options["id_field"]),
        names(body, options),
        files if isinstance(files, list) else None,
    )


def is_file(file: Any, document: Document, options: Mapping[str, Any]) -> bool:
    """Say whether an entry of a list of files is this file: it has an id, and the same bytes."""
    renamed = options["field_names"]
    sha256 = pluck(file, renamed.get("sha256", "sha256"))
    category = pluck(file, renamed.get("category", "category"))
    same = str(sha256).lower() == document.sha256 and category in (None, document.category)
    return same and bool(readable_id(file, options["id_field"]))


def names(body: Any, options: Mapping[str, Any]) -> str:
    """Return the reference that a body names, as text; empty when it names none.

    What is neither text nor a whole number is no reference of ours, and not none either.
    """
    named = pluck(body, options["field_names"].get(REFERENCE, REFERENCE))
    if named is None:
        return ""
    if isinstance(named, str):
        return named.strip()
    return str(named) if isinstance(named, int) and not isinstance(named, bool) else repr(named)


def _links_on(answer: Answer) -> bool:
    return bool(_NEXT_LINK.search(header(answer, "Link")))


def _signs_of_more(body: Any, results: list[Any], depth: int) -> Iterator[bool]:
    """Yield whether each name beside the results says that there is more than they are."""
    if depth > MOST_DEEP or not isinstance(body, dict):
        return
    for key, value in body.items():
        if value is results:
            continue
        name = _NAME.sub("", key.lower())
        if name in _NEXT or name in _MORE:
            yield _is_yes(value)
        elif name in _COUNTS:
            yield _number(value) > len(results)
        elif isinstance(value, list):
            yield any(_is_next_link(one) for one in value)
        else:
            yield from _signs_of_more(value, results, depth + 1)


def _is_yes(value: Any) -> bool:
    return value.strip().lower() not in _NO if isinstance(value, str) else bool(value)


def _is_next_link(value: Any) -> bool:
    named = (value.get("rel"), value.get("relation")) if isinstance(value, dict) else ()
    return any(str(one).lower() == "next" for one in named)


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return 0

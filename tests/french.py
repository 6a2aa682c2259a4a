"""What English is left over on a page in French."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser

# Words that English cannot do without, and that no French sentence or Canadian name has.
ENGLISH = re.compile(
    r"(?<![\w.@/-])(?:the|of|and|is|was|are|were|be|been|has|have|had|not|with|by|it|its|this|that|"
    r"these|those|what|who|whom|which|when|where|how|why|from|into|for|to|yes|nothing|nobody|"
    r"somebody|someone|everything|anything|none|other|another|more|only|all|any|each|here|there|"
    r"then|now|will|can|may|must|does|do|did|you|your|they|their|we|our|show|open|add|save|"
    r"(?<!ne )change|"
    r"delete|remove|choose|back|next|search|sent|send|received|failed|waiting|queued|running|"
    r"retry|dismissed|imported|listings?|referrals?|mappings?|destinations? (?:kind|is)|"
    r"settings|changed|error|errors|attention|last|first|new|old|never|always|empty|missing|"
    r"needs?|state|since|until|until|days?|hours?|minutes ago|reference #)(?![\w@/-])",
    re.IGNORECASE,
)
# Somebody's own words: what stands between guillemets, and what a page marks as quoted.
# A quotation that a list cuts short ends with “…”; one may hold another.
QUOTED = re.compile(r"«[^«»]*(?:»|(?=…\Z))|“[^“”]*(?:”|(?=…\Z))")
QUOTING = {"blockquote", "code", "pre", "script", "style", "textarea", "del", "ins", "template"}
VOID = {"br", "hr", "img", "input", "link", "meta", "source", "wbr", "progress"}
SAID = ("aria-label", "placeholder", "title", "alt")


class Page(HTMLParser):
    """The texts of a page that people read, one for each piece, but for quotations."""

    def __init__(self, html: str, language: str = "fr") -> None:
        super().__init__()
        self.language = language
        self.texts: list[str] = []
        self._quoting: list[bool] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        quotes = tag in QUOTING or given.get("lang", self.language)[:2] != self.language
        self.texts += [given[name] for name in SAID if name in given and not self._is_quoted()]
        if given.get("type") == "submit" and tag == "input":
            self.texts.append(given.get("value", ""))
        if tag not in VOID:
            self._quoting.append(quotes)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID and self._quoting:
            self._quoting.pop()

    def handle_data(self, data: str) -> None:
        if data.strip() and not self._is_quoted():
            self.texts.append(" ".join(data.split()))

    def _is_quoted(self) -> bool:
        return any(self._quoting)


def english_in(html: str, *, names: tuple[str, ...] = ()) -> Iterator[str]:
    """Yield the texts of a page that are English; `names` are cut out of them before."""
    for text in Page(html).texts:
        own = text
        for name in names:  # some of which quote others
            own = own.replace(name, "")
        while (unquoted := QUOTED.sub("", own)) != own:
            own = unquoted
        if ENGLISH.search(own):
            yield text

"""Text from outside becomes plain text: no markup, no entities, no control characters.

Not `html.parser`: on hostile text it takes quadratic time, and it swallows what people type in
angle brackets ("<unknown>", "<john@example.org>"). Here every pass is linear.
"""

import re
from html import unescape
from html.entities import html5

_MAY_NEED_WORK = re.compile(
    "[<&\0-\x08\x0b-\x1f\x7f-\xa0\u2028-\u202e\u2066-\u2069\ufeff\ufffe\uffff]"
)
_MAX_ROUNDS = 5  # of entities that turn out to be markup again: “&amp;lt;b&amp;gt;”

_LINE_ENDS = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
# Controls but tab and new line; marks that reorder text for the eye; what XML cannot hold.
_CONTROLS = re.compile("[\0-\x08\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff]")

# Elements whose content nobody reads, and comments: opening and closing.
_UNSEEN = [(re.compile("<!--"), re.compile("-->"))] + [
    (re.compile(rf"<{name}\b[^<>]*>", re.I), re.compile(rf"</{name}\s*>", re.I))
    for name in ("script", "style", "head", "title", "xml", "template", "svg", "math")
]
_TAG = re.compile(
    r"""<(?=[A-Za-z/!?])(/?)([A-Za-z][A-Za-z0-9:-]*+)?+"""
    r"""(?>((?:[^<>"']|"[^"<]*"|'[^'<]*')*+)>|([^<>]*+)>)"""
)
_TAG_START = re.compile(r"<(?=[A-Za-z/!?])")
_ADDRESS = re.compile(
    r"<((?:mailto:)?[^\s<>@]{1,64}@[^\s<>@]{1,255}|https?://[^\s<>]+)>", re.IGNORECASE
)
_ENTITY = re.compile(r"&(#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_AMPERSANDS = re.compile(r"&(?:(?:amp|AMP|#0{0,4}38|#[xX]0{0,4}26);)+")

_BLOCKS = (
    "address article aside blockquote body br caption center dd details dialog dir div dl dt "
    "fieldset figcaption figure footer form frameset h1 h2 h3 h4 h5 h6 header hgroup hr html "
    "legend main menu nav ol optgroup p pre search section summary table tbody tfoot thead tr "
    "ul"
)
_INLINES = (
    "a abbr acronym applet area audio b base basefont bdi bdo big blink button canvas cite code "
    "col colgroup data datalist del dfn em embed font frame head i iframe img input ins kbd label "
    "link map mark marquee math meta meter noframes noscript object output param picture progress "
    "q rp rt ruby s samp script select slot small source span strike strong style sub sup svg "
    "template textarea time title track tt u var video wbr xml"
)
_INSTEAD = {
    **dict.fromkeys(_INLINES.split(), ""),
    **dict.fromkeys(_BLOCKS.split(), "\n"),
    "li": "\n- ",
    "td": " ",
    "th": " ",
    "option": " ",
}


def plain_text(text: str) -> str:
    """Return the text without markup: blocks become lines, entities the characters they mean.

    A “<” that opens no tag stays ("a < b", "age <18"); one that could open a tag if more text
    came after it gets a space behind it. Plain text comes back as it is, without outer white space
    and with at most one empty line in a row.
    """
    if _MAY_NEED_WORK.search(text):
        text = _without_controls(text)
        for _ in range(_MAX_ROUNDS):
            text, before = _without_controls(_unescaped(_untagged(text))), text
            if text == before:
                break
        else:
            text = re.sub("[<>&]", "", text)
    return _tidy(text)


def one_line(text: str) -> str:
    """Return the plain text on one line, with single spaces."""
    return " ".join(plain_text(text).split())


def _without_controls(text: str) -> str:
    return _CONTROLS.sub("", _LINE_ENDS.sub("\n", text)).replace("\xa0", " ")


def _untagged(text: str) -> str:
    if "<" not in text:
        return text
    for opening, closing in _UNSEEN:
        text = _without(text, opening, closing)
    text = _ADDRESS.sub(r"\1", text)
    return _TAG_START.sub("< ", _TAG.sub(_instead_of_tag, text))


def _without(text: str, opening: re.Pattern[str], closing: re.Pattern[str]) -> str:
    kept, at = [], 0
    while (start := opening.search(text, at)) and (end := closing.search(text, start.end())):
        kept.append(text[at : start.start()])
        at = end.end()
    return "".join([*kept, text[at:]])


def _instead_of_tag(tag: re.Match[str]) -> str:
    ends, name, rest = tag[1], (tag[2] or "").lower(), tag[3] or tag[4] or ""
    if name in _INSTEAD:
        return "" if ends and name in ("li", "td", "th") else _INSTEAD[name]
    # People type "<unknown>" and "<no answer>": those words are no markup.
    typed = name and "=" not in rest and not ends and ":" not in name and not rest.endswith("/")
    return f"{tag[2]}{rest}" if typed else ""


def _unescaped(text: str) -> str:
    # An entity without its semicolon stays: “Q&A&region” is no “Q&A®ion”.
    return _ENTITY.sub(_character, _AMPERSANDS.sub("&amp;", text))


def _character(entity: re.Match[str]) -> str:
    name = entity[1]
    return unescape(entity[0]) if name.startswith("#") else html5.get(f"{name};", entity[0])


def _tidy(text: str) -> str:
    if "\n" not in text:
        return text.strip()
    lines = [line.rstrip() for line in text.split("\n")]
    return re.sub("\n{3,}", "\n\n", "\n".join(lines)).strip()

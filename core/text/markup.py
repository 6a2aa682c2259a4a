"""Text from outside becomes plain text: no markup, no entities, no control characters.

Not `html.parser`: on hostile text it takes quadratic time, and it swallows what people type in
angle brackets ("<unknown>", "<s/p hip replacement>"). Here every pass is linear, and brackets that
are not markup stay. So the result is safe only where it is escaped, as everything is.
"""

import re
from html import unescape
from html.entities import html5

_MAY_NEED_WORK = re.compile(
    "[<&\0-\x08\x0b-\x1f\x7f-\xa0\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff]"
)
_MAX_ROUNDS = 5  # of entities that turn out to be markup again: “&amp;lt;b&amp;gt;”

_LINE_ENDS = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
# A control may stand between two words or numbers, and a half character for a whole one.
_CONTROLS = re.compile("[\0-\x08\x0e-\x1f\x7f\xa0]")
_BROKEN = re.compile("[\x80-\x9f\ud800-\udfff\ufffe\uffff]")
# Marks that reorder text for the eye, or say nothing.
_UNSEEN_MARKS = re.compile("[\u202a-\u202e\u2066-\u2069\ufeff]")

_COMMENT = (re.compile("<!--"), re.compile("-->"))
# Elements whose content nobody reads: opening and closing.
_UNSEEN = [
    (re.compile(rf"<{name}\b[^<>]*>", re.I), re.compile(rf"</{name}\b[^<>]*>", re.I))
    for name in ("script", "style", "head", "xml", "template", "svg")
]
_DECLARATION = re.compile(
    r"<!(?:doctype|entity|element|attlist|\[(?:if|endif)\b)[^<>]*>|<\?(?:xml|php|mso)[^<>]*>", re.I
)
_CDATA = re.compile(r"<!\[CDATA\[|\]\]>")
_NAME = r"""[A-Za-z][^\s/<>"'=]*+"""
_OPENING = re.compile(rf"<({_NAME})")
_CLOSING = re.compile(rf"</({_NAME})[^<>]*>")
_TAG = re.compile(rf"""<(/?)({_NAME})(?>((?:[^<>"']|"[^"<]*"|'[^'<]*')*+)>|([^<>]*+)>)""")
_ATTRIBUTE = re.compile(r"""[\s/"'][A-Za-z_@:][\w:.-]*+\s*+=""")
_ATTRIBUTE_WORDS = (
    r"href|src|srcdoc|on(?:error|load|click|focus|blur|toggle|change|input|submit|mouse\w*|key\w*)"
)
# What no text for people has, whatever the name of the tag: handlers, styles, quoted values.
_REAL_ATTRIBUTE = re.compile(
    r"""[\s/"'](?:(?:on[a-z]+|style|class|id|action|formaction|data-[\w-]+|xmlns[\w:]*"""
    r"""|xlink:href|href|src|srcdoc)\s*+=|[A-Za-z_@:][\w:.-]*+\s*+=\s*+["'])""",
    re.IGNORECASE,
)
_REAL_WORD = re.compile(rf"""[\s/"'](?:{_ATTRIBUTE_WORDS})\b""", re.IGNORECASE)
# No tag by itself; behind "<x" its attributes would be those of x.
_STRAY = re.compile(r"<(?!/?[A-Za-z])([^<>]*+>)")
# A tag that never ends, the attributes that it has, and the text behind them.
_ENDLESS = re.compile(
    rf"""</?({_NAME})"""
    r"""((?:[\s/]++[^\s=<>"'/]++\s*+=\s*+(?:"[^"<>]*+"|'[^'<>]*+'|["']?+[^\s<>"']*+)"""
    rf"""|[\s/]++(?:{_ATTRIBUTE_WORDS})\b)*+)([^<>]*+)""",
    re.IGNORECASE,
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
    "col colgroup data datalist del dfn em embed font frame head i iframe image img input ins kbd "
    "label link map mark marquee math meta meter noembed noframes noscript object output param "
    "picture plaintext progress q rp rt ruby s samp script select slot small source span strike "
    "strong style sub sup svg template textarea time title track tt u var video wbr xml xmp"
)
_INSTEAD = {
    **dict.fromkeys(_INLINES.split(), ""),
    **dict.fromkeys(_BLOCKS.split(), "\n"),
    "li": "\n- ",
    "td": " ",
    "th": " ",
    "option": " ",
}
# Markup even without attributes and without a closing tag. The other names are words, too.
_STRUCTURE = (
    "b blockquote body br col colgroup dd div dl dt em h1 h2 h3 h4 h5 h6 hr html i li ol p pre "
    "span strong table tbody td tfoot th thead tr tt u ul wbr"
)
# Markup in whatever shape: these run, or hide what follows.
_ACTIVE = (
    "applet embed frameset iframe img marquee noembed noframes noscript plaintext script style "
    "svg xmp"
)
_SURELY = frozenset(_STRUCTURE.split())
_ALWAYS = re.compile(rf"(?:{'|'.join(_ACTIVE.split())})(?![\w.:-])")  # “<script.js>” is a file
_OFFICE = re.compile(r"(?:[amopvwxr]|st\d|u\d|wp|pic|mc|xml|xsl|svg|fb|asp):[a-z]")
_SWITCHES = frozenset(
    [
        "checked",
        "compact",
        "controls",
        "disabled",
        "multiple",
        "noshade",
        "nowrap",
        "readonly",
        "selected",
    ]
)


def plain_text(text: str) -> str:
    """Return the text without markup: blocks become lines, entities the characters they mean.

    Angle brackets that are not markup stay: "a < b", "age <18", "<unknown>", "<address withheld>".
    Plain text comes back as it is, without outer white space and with at most one empty line in a
    row.
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
    if _MAY_NEED_WORK.search(text):
        text = plain_text(text)
    return " ".join(text.split())


def _without_controls(text: str) -> str:
    text = _UNSEEN_MARKS.sub("", _LINE_ENDS.sub("\n", text))
    return _CONTROLS.sub(" ", _BROKEN.sub("\ufffd", text))


def _untagged(text: str) -> str:
    if "<" not in text:
        return text
    for opening, closing in (_COMMENT, *_UNSEEN):
        text = _without(text, opening, closing)
    text = _CDATA.sub("", _DECLARATION.sub("", text.replace("<!--", "")))
    pairs = _names(_CLOSING, text) & _names(_OPENING, text)
    text = _TAG.sub(lambda tag: _instead_of_tag(tag, pairs), text)
    text = _STRAY.sub(lambda tag: tag[1] if _REAL_ATTRIBUTE.search(tag[0]) else tag[0], text)
    return _ENDLESS.sub(_instead_of_endless_tag, text)


def _names(pattern: re.Pattern[str], text: str) -> set[str]:
    return {name.lower() for name in pattern.findall(text)}


def _without(text: str, opening: re.Pattern[str], closing: re.Pattern[str]) -> str:
    kept, at = [], 0
    while (start := opening.search(text, at)) and (end := closing.search(text, start.end())):
        kept.append(text[at : start.start()])
        at = end.end()
    return "".join([*kept, text[at:]])


def _instead_of_tag(tag: re.Match[str], pairs: set[str]) -> str:
    ends, name, rest = tag[1], tag[2].lower(), tag[3] or tag[4] or ""
    is_known = name in _INSTEAD or name in pairs or bool(_OFFICE.match(name))
    is_markup = is_known or _REAL_ATTRIBUTE.search(rest) if ends else _is_tag(name, rest, pairs)
    if not is_markup:
        return tag[0]
    return "" if ends and name in ("li", "td", "th") else _INSTEAD.get(name, "")


def _is_tag(name: str, rest: str, pairs: set[str]) -> bool:
    """Return whether “<name rest>” is markup, and not what somebody typed."""
    if _ALWAYS.match(name) or _OFFICE.match(name) or _REAL_ATTRIBUTE.search(rest):
        return True
    words = rest.lower().strip("/ \t\n").split()
    if not words:
        return name in _SURELY or name in pairs or rest.rstrip().endswith("/")
    if name not in _INSTEAD:
        return False
    is_switched = _SWITCHES.issuperset(words)
    return is_switched or bool(_ATTRIBUTE.search(rest) or _REAL_WORD.search(rest))


def _instead_of_endless_tag(tag: re.Match[str]) -> str:
    name, attributes, behind = tag[1].lower(), tag[2], tag[3]
    if _ALWAYS.match(name) or _REAL_ATTRIBUTE.search(attributes):
        return behind
    if name in _INSTEAD and _REAL_WORD.search(attributes):
        return behind
    return f"< {tag[0][1:]}" if _REAL_ATTRIBUTE.search(behind) else tag[0]


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

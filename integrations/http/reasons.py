"""The reason that an answer gives, in whatever shape, as plain text for people.

In JSON it may stand under many names, as text, list, or object by field or by language, nested in
`error` or `data` or bare at the top. What names a field is kept with it, all of it, and wins over
what is said in general. XML and HTML are read by their text.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from html import unescape
from typing import Any

from core.outbound import Answer
from core.text.markup import plain_text
from integrations.http.bodies import header, read_json, text
from integrations.sentences import NO_REASON

LONGEST_REASON = 500  # characters
READ_BYTES = 65_536  # of a body that is not JSON
LONGEST_FIELD = 200
MOST_DEEP = 12
MOST_STATEMENTS = 200  # messages; the first of them fill the reason anyway

# Names are compared in lower case, without `_`, `-` and the like.
_REASONS = (
    *("message", "messages", "msg", "text", "detail", "details", "description", "errordescription"),
    *("errormessage", "usermessage", "reason", "diagnostics", "error", "title", "summary"),
    *("fault", "faultstring", "exceptionmessage", "defaultmessage", "constraints", "value"),
)
_AND_IN_GENERAL = ("title", "reason", "error", "summary")  # where the object says more than these
_WITHIN = ("data", "response", "responsestatus", "result", "body", "problem", "exception", "cause")
_LISTS = ("issue", "issues", "violations", "invalidparams", "modelstate", "problems", "failures")
_FIELDS = ("field", "fieldname", "fieldpath", "property", "propertyname", "param", "parameter")
# Of an item in a list of errors these name a field too; elsewhere they are something else.
_FIELDS_OF_ITEMS = (
    *("path", "propertypath", "datapath", "instancepath", "pointer", "loc", "location", "source"),
    *("expression", "attribute", "key", "name", "target", "element", "control", "id"),
)
_NO_FIELD = ("nonfielderrors", "all", "base", "general", "global", "form", "model", "root", "")
# What an answer tells beside its reason, and what it repeats of the request.
_BESIDE = frozenset(
    (
        *("status", "statuscode", "statustext", "code", "errorcode", "type", "instance", "path"),
        *("timestamp", "time", "date", "traceid", "requestid", "correlationid", "id", "method"),
        *("url", "href", "links", "link", "meta", "version", "success", "ok", "severity", "level"),
        *("resourcetype", "request", "received", "input", "payload", "headers", "stack", "trace"),
        *("stacktrace", "documentationurl", "moreinfo", "help", "helplink", "server", "host"),
        *("rejectedvalue", "attemptedvalue", "ctx", "extension", "externalreference", "name"),
        *("children", "contexts", "lang", "language", "objectname", "domain", "innererror"),
    )
)
_IN_GENERAL = re.compile(
    r"(?:one or more validation errors occurred|validation (?:error|failed|failure)s?|"
    r"the given data was invalid|(?:bad|invalid) request|unprocessable (?:entity|content)|"
    r"invalid (?:data|input|payload|body)|(?:an )?errors?(?: (?:has )?occurred)?|failed|failure|"
    r"not ok|conflict|forbidden|unauthorized|not found)[.!:]*",
    re.IGNORECASE,
)
_DOCUMENT = ("data.attributes.", "body.")  # the path to what was sent, before its fields
_TYPES = ("Error", "Exception")  # how JavaScript and others name what they throw
_CODE = re.compile(r"(?=.*[_.0-9]|.+[A-Z])[A-Za-z0-9_.-]+")  # invalid_request, E17, NotNull
_LANGUAGE = re.compile(r"[a-z]{2}(?:[-_](?:[A-Za-z]{2}|\d{3}))?\Z")
_LANGUAGES = frozenset(
    (
        *("en", "fr", "es", "de", "it", "pt", "nl", "pl", "ru", "uk", "zh", "ja", "ko", "ar", "fa"),
        *("ur", "hi", "pa", "tl", "vi", "iu", "cr"),
    )
)
_NAME = re.compile(r"[^a-z0-9]")

Pair = tuple[re.Pattern[str], re.Pattern[str]]  # where a part of a page begins and ends


def _element(name: str) -> Pair:
    return re.compile(rf"<{name}\b[^<>]*>", re.I), re.compile(rf"</{name}\s*>", re.I)


_COMMENT = (re.compile("<!--"), re.compile("-->"))
_CDATA = (re.compile(r"<!\[CDATA\["), re.compile(r"\]\]>"))
_UNSEEN = (_COMMENT, *map(_element, ("script", "style", "noscript", "template", "svg")))
_HEAD, _TITLE = _element("head"), _element("title")
_TAG = re.compile(r"""<[A-Za-z/!?](?:[^<>"']|"[^"<]*"|'[^'<]*')*>|<[A-Za-z/!?][^<>]*>""")
_UNENDED_TAG = re.compile(r"<[A-Za-z/!?][^<>]*\Z")
_SPACE_BEFORE = re.compile(r" +([.,;:!?])(?= |\Z)")


@dataclass(frozen=True, slots=True)
class Statement:
    """One thing that an answer says, of a field where it names one."""

    words: str
    field: str = ""
    of_an_error: bool = False  # it stood in a list or object of errors

    def __str__(self) -> str:
        named = rf"(?<!\w){re.escape(self.field)}(?!\w)"
        if not self.field or re.search(named, self.words, re.IGNORECASE):
            return self.words
        begins_small = self.words[:1].islower()
        return f"{self.field} {self.words}" if begins_small else f"{self.field}: {self.words}"


def reason(answer: Answer, who: str) -> str:
    """Return what an answer says, quoted, or that `who` gave no reason."""
    words = shortened(_words(answer), LONGEST_REASON)
    if not words:
        return NO_REASON(who=who, status=answer.status)
    return f"“{words}”" if words[-1] in ".!?…" else f"“{words}”."


def _words(answer: Answer) -> str:
    found = read_json(answer)
    if found is not None:
        return "; ".join(dict.fromkeys(str(one) for one in statements(found)))
    body = text(answer, READ_BYTES)
    if body.strip() == "null":
        return ""
    is_markup = body.lstrip().startswith("<") or "html" in header(answer, "Content-Type").lower()
    return markup_text(body) if is_markup else _plain(body)


# -- JSON ------------------------------------------------------------------------------------


def statements(body: Any) -> list[Statement]:
    """Return what a JSON body says: of fields if it names any, else of errors and in general."""
    found: list[Statement] = []
    for one in _walk(body, "", 0, in_errors=False):
        found.append(one)
        if len(found) >= MOST_STATEMENTS:
            break
    found = found or list(_bare(body))
    of_fields = [one for one in found if one.field]
    if of_fields:
        return [one for one in found if one.field or (one.of_an_error and _is_particular(one))]
    return [one for one in found if _is_particular(one)] or found[:1]


def _is_particular(one: Statement) -> bool:
    return not _IN_GENERAL.fullmatch(one.words) and not _CODE.fullmatch(one.words)


def _walk(value: Any, field: str, depth: int, *, in_errors: bool) -> Iterator[Statement]:
    if depth > MOST_DEEP:
        return
    if isinstance(value, str):
        yield from _statements_in(value, field, depth, in_errors=in_errors)
    elif isinstance(value, list):
        for item in value:
            yield from _walk(item, field, depth + 1, in_errors=in_errors)
    elif isinstance(value, dict):
        yield from _walk_object(value, field, depth, in_errors=in_errors)


def _statements_in(words: str, field: str, depth: int, *, in_errors: bool) -> Iterator[Statement]:
    """Yield the words; JSON within text is read as JSON."""
    if words.lstrip()[:1] in ("{", "["):
        try:
            inner = json.loads(words)
        except (ValueError, RecursionError):
            inner = None
        if isinstance(inner, dict | list):
            yield from _walk(inner, field, depth + 1, in_errors=in_errors)
            return
    plain = _plain(words)
    if plain:
        yield Statement(plain, field, in_errors)


class _Role(Enum):
    """What a value of an object is for."""

    ERRORS = auto()  # of several fields, or a list
    WORDS = auto()
    FIELD = auto()  # what is said about a field
    BESIDE = auto()


def _role(name: str, value: Any, *, in_errors: bool) -> _Role:
    """Return what the value of this name is for; by name and shape, since no two agree."""
    of_field = _is_messages(value) and (in_errors or name not in _REASONS)
    if name.endswith("errors") or name in _LISTS or (in_errors and name in _NO_FIELD):
        return _Role.ERRORS
    if name in _BESIDE and not (in_errors and of_field):
        return _Role.BESIDE
    if name in (*_REASONS, *_WITHIN) and not of_field:
        return _Role.WORDS
    if in_errors or of_field or isinstance(value, dict):
        return _Role.FIELD
    return _Role.BESIDE


def _walk_object(
    body: Mapping[str, Any], field: str, depth: int, *, in_errors: bool
) -> Iterator[Statement]:
    if chosen := _by_language(body):
        yield from _walk(body[chosen], field, depth + 1, in_errors=in_errors)
        return
    named, name_key = _field_named(body, in_errors=in_errors)
    where = _joined(field, named)
    found: list[Statement] = []
    for key, value in _without_titles(body, in_errors=in_errors).items():
        role = _role(_name(key), value, in_errors=in_errors)
        if key == name_key or role is _Role.BESIDE:
            continue
        if role is _Role.FIELD:
            found += _of_field(value, _joined(where, key), depth + 1, in_errors=in_errors)
        else:
            inside = in_errors or bool(named) or role is _Role.ERRORS or _is_objects(value)
            if _name(key) == "constraints" and isinstance(value, dict):  # messages by rule
                value = list(value.values())
            found += _walk(value, where, depth + 1, in_errors=inside)
    yield from found or (_by_code(body, where) if named else ())


def _without_titles(body: Mapping[str, Any], *, in_errors: bool) -> Mapping[str, Any]:
    """Return an object without what says less: a title beside a message, in an item of a list."""
    names = {_name(key) for key, value in body.items() if value}
    if not in_errors or not names & (set(_REASONS) - set(_AND_IN_GENERAL)):
        return body
    return {key: value for key, value in body.items() if _name(key) not in _AND_IN_GENERAL}


def _is_objects(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(one, dict) for one in value)


def _of_field(value: Any, field: str, depth: int, *, in_errors: bool) -> Iterator[Statement]:
    """Yield what is said about a field: text only where errors are listed, or lists of messages."""
    if in_errors or _is_messages(value):
        yield from _walk(value, field, depth, in_errors=True)
    elif isinstance(value, dict) and depth <= MOST_DEEP:
        for key, inner in value.items():
            if _name(key) in _REASONS and isinstance(inner, str):
                yield from _walk(inner, field, depth + 1, in_errors=False)
            elif _name(key) not in _BESIDE and isinstance(inner, dict | list):
                yield from _of_field(inner, _joined(field, key), depth + 1, in_errors=False)


def _bare(body: Any, field: str = "", depth: int = 0) -> Iterator[Statement]:
    """Yield the texts of an object that has nothing but its fields' messages."""
    if not isinstance(body, dict) or depth > MOST_DEEP:
        return
    for key, value in body.items():
        if _name(key) in _BESIDE:
            continue
        if isinstance(value, str):
            yield from _statements_in(value, _joined(field, key), depth, in_errors=True)
        else:
            yield from _bare(value, _joined(field, key), depth + 1)


def _by_code(body: Mapping[str, Any], field: str) -> Iterator[Statement]:
    """Yield the code of an item that names a field and has no words: "required"."""
    for key, value in body.items():
        if _name(key) in ("code", "type", "errorcode", "keyword") and isinstance(value, str):
            yield Statement(_plain(value), field, of_an_error=True)
            return


def _is_messages(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, str) for one in value)


def _field_named(body: Mapping[str, Any], *, in_errors: bool) -> tuple[str, str]:
    """Return the field that an object says it is about, and the key that says so."""
    wanted = (*_FIELDS, *_FIELDS_OF_ITEMS) if in_errors else _FIELDS
    by_name = {_name(key): key for key in body}
    if not set(by_name) & {*_REASONS, "code", "type", "errorcode", "keyword", "issue"}:
        return "", ""
    for name in wanted:
        if name in by_name and (field := _as_field(body[by_name[name]])):
            return field, by_name[name]
    return "", ""


def _as_field(value: Any) -> str:
    """Return a name, a JSON pointer or a list of names as a dotted name."""
    if isinstance(value, dict):
        inner = {_name(key): one for key, one in value.items()}
        return _as_field(inner.get("pointer") or inner.get("parameter") or "")
    if isinstance(value, list):
        parts = [str(one) for one in value if isinstance(one, str | int)]
        return _as_field(".".join(parts))
    if not isinstance(value, str) or len(value) > LONGEST_FIELD or value.endswith(_TYPES):
        return ""
    dotted = _plain(value.strip("#/$. ").replace("/", "."))
    start = next((start for start in _DOCUMENT if dotted.startswith(start)), "")
    return dotted.removeprefix(start)


def _joined(field: str, name: str) -> str:
    plain = "" if _name(name) in _NO_FIELD else _plain(str(name))
    return f"{field}.{plain}" if field and plain else field or plain


def _by_language(body: Mapping[str, Any]) -> str:
    """Return the key of the language to read where an object holds one text in several."""
    is_one = body and all(
        _LANGUAGE.match(key) and key[:2] in _LANGUAGES and isinstance(value, str | list)
        for key, value in body.items()
    )
    if not is_one:
        return ""
    return next((key for key in body if key.startswith("en")), next(iter(body)))


def _name(key: str) -> str:
    return _NAME.sub("", str(key).lower())


# -- Text ------------------------------------------------------------------------------------


def markup_text(markup: str) -> str:
    """Return the text of HTML or XML: its title only if there is nothing else, nothing unseen."""
    seen, _ = _parted(markup, _CDATA, keep=True)
    for pair in _UNSEEN:
        seen, _ = _parted(seen, pair)
    below, titles = _parted(seen, _TITLE)
    below, _ = _parted(below, _HEAD)
    return _without_tags(below) or _without_tags(" ".join(titles))


def _parted(markup: str, pair: Pair, *, keep: bool = False) -> tuple[str, list[str]]:
    """Return the markup without what stands between the pair's two, and that; in linear time.

    With `keep` it stays, as text.
    """
    opening, closing = pair
    kept, inner, at = [], [], 0
    while (start := opening.search(markup, at)) and (end := closing.search(markup, start.end())):
        inner.append(markup[start.end() : end.start()])
        kept += [markup[at : start.start()], _escaped(inner[-1]) if keep else " "]
        at = end.end()
    return "".join([*kept, markup[at:]]), inner


def _escaped(cdata: str) -> str:
    return cdata.replace("&", "&amp;").replace("<", "&lt;")


def _without_tags(markup: str) -> str:
    spaced = unescape(_UNENDED_TAG.sub("", _TAG.sub(" ", markup)))
    return _SPACE_BEFORE.sub(r"\1", " ".join(_plain(spaced).split()))


def _plain(words: str) -> str:
    words = words.strip()
    if words.startswith("<") and words.endswith(">"):
        return markup_text(words) if "</" in words or "/>" in words else plain_text(words)
    return plain_text(words)


def shortened(words: str, limit: int) -> str:
    """Return the text in one line, without control characters; a longer one is cut at a word."""
    line = " ".join("".join(_shown(character) for character in words).split())
    if len(line) <= limit:
        return line
    start = line[: limit - 1]
    whole = start.rpartition(" ")[0] if line[limit - 1] != " " else start
    return (whole if len(whole) > limit // 2 else start).rstrip(" ,;:") + "…"


def _shown(character: str) -> str:
    if character.isprintable():
        return character
    return " " if character.isspace() or character < "\x20" or character == "\x7f" else ""

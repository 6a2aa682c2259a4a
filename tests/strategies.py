"""Hypothesis strategies for source documents (`mapping.source.document.Document`)."""

import re
from typing import Any

from hypothesis import strategies as st

from mapping.source.document import Document

TOKEN = re.compile(r"tkn[0-9]{4}x")

TYPED_KEYS = frozenset(
    {
        "at",
        "classification",
        "code",
        "content_type",
        "country",
        "date_of_birth",
        "end",
        "number",
        "postal_code",
        "province",
        "request_status",
        "side",
        "slot",
        "start",
        "status",
        "submitted_at",
        "use",
    }
)

OUR_KEYS = frozenset({"cause", "path"})  # never a sender's text

_handpicked = st.sampled_from(
    [
        "Mireille",
        "Tremblay-Okafor",
        "Élodie Beauséjour, née Côté",
        "ᐃᓄᒃᑎᑐᑦ",
        "Kanien’kéha",
        "عبد الرحمن",
        "שלום",
        "李小龍",
        "<b>bold</b> & {{ braces }} {% tag %}",
        "50 % off: yes",
    ]
)
_characters = st.characters(exclude_categories=("Cc", "Cs", "Cn", "Co", "Zl", "Zp"))
words = st.one_of(st.just(""), _handpicked, st.text(_characters, max_size=20))
prose = st.lists(words, max_size=3).map("\n".join)

_instants = st.builds(
    "{:%Y-%m-%dT%H:%M:%S}{}".format,
    st.datetimes(),
    st.sampled_from(["Z", "+00:00", "-04:00", "+05:30"]),
).map(lambda instant: instant.rjust(len("2026-01-01T00:00:00Z"), "0"))
_dates = st.dates().map(lambda date: date.isoformat())
_numbers = st.sampled_from(
    [
        "705-555-0142",
        "(705) 555-0177",
        "7055550110",
        "+1 705 555 0190 ext. 12",
        "+33 1 42 68 53 00",
        "ask at the desk",
        "12",
    ]
)
_language_codes = st.sampled_from(["en", "fr", "fr-CA", "iu", "oj", "cr", "zh-Hant", "x-unknown"])
_provinces = st.sampled_from(["ON", "Ontario", "québec", "N.W.T.", "Bavaria"])
_countries = st.sampled_from(["CA", "CAN", "Canada", "France", "us"])
_postal_codes = st.sampled_from(["P0A 1B0", "p0a1b0", "H2X-1Y4", "75008"])
_forms = st.sampled_from(
    ["", "https://x.example/Questionnaire/intake|1", "form at place 2", "qr-7"]
)
_form_names = st.sampled_from(["", "Intake", "Formulaire d’accueil", "Call of March 10"])
_groups = st.sampled_from(["Registrant", "Appointment", "Allergy", "Flag", ""])
_paths = st.sampled_from(["", "registrant.date_of_birth", "requester.phone", "submitted_at"])
_causes = st.sampled_from(["not_text", "ambiguous_date", "not_an_instant", "of a later version"])


def _part(**optional: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=optional)


def _few(element: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(element, max_size=3)


@st.composite
def documents(
    draw: st.DrawFn, *, tokens: bool = False, typed: bool = True, internal: bool = False
) -> Document:
    """Any document: every part may be absent or empty, text is any script, marks included.

    With `tokens`, every non-empty piece of free text ends in a word of its own, ` tkn0001x`, so
    that a test can look for each (`tokens_of`). Values that have a type (dates, codes, phone
    numbers: `TYPED_KEYS`) carry no token. Without `typed` these too are arbitrary text, with
    tokens: nothing that a sender gets wrong may be lost. With `internal`, what is there for
    machines (keys, places, addresses) looks like it, so that a test can see that it never shows.
    """

    def kind(strategy: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        return strategy if typed else words

    document = draw(_documents(kind))
    if internal:
        document = _with_internals(document, draw(st.sampled_from(_INTERNAL)))
    return _numbered(document, typed) if tokens else document


def tokens_of(text_or_part: Any) -> set[str]:
    """Return every token in a text, or in any string of a part of a document."""
    return set(TOKEN.findall(repr(text_or_part)))


def _documents(kind: Any) -> st.SearchStrategy[Any]:
    identifiers = _few(_part(type=words, system=words, value=words, former=st.booleans()))
    named = _part(id=words, name=words)
    return _part(
        reference=words,
        identifiers=identifiers,
        parent_reference=words,
        routed=st.booleans(),
        sent_method=words,
        submitted_at=kind(_instants),
        priority=words,
        service=words,
        reason=prose,
        request_status=kind(st.sampled_from(["active", "revoked", "entered-in-error"])),
        status=kind(st.sampled_from(["submitted", "booked", "closed"])),
        substatus=_part(
            label=words,
            classification=kind(st.sampled_from(["ready", "received", "on-hold", "completed"])),
        ),
        organization=named,
        listing=named,
        registrant=_registrants(kind, identifiers),
        requester=_part(
            first_name=words,
            last_name=words,
            organization=words,
            phone=words,
            email=words,
            is_caredove_user=st.booleans(),
        ),
        appointment=_appointments(kind),
        form_answers=_few(
            _part(form=_forms, form_name=_form_names, key=words, label=words, value=prose)
        ),
        notes=_few(_part(at=kind(_instants), author=words, text=prose)),
        messages=_few(
            _part(
                id=words,
                at=kind(_instants),
                side=kind(st.sampled_from(["provider", "requester", ""])),
                sender=words,
                text=prose,
            )
        ),
        attachments=_few(
            _part(
                key=words,
                filename=words,
                content_type=kind(st.sampled_from(["application/pdf", "image/png"])),
                size=st.integers(0, 10**9),
                description=words,
            )
        ),
        also_sent=_few(_part(key=words, group=_groups, label=words, text=prose)),
        unreadable=_few(_part(field=words, path=_paths, cause=_causes, text=prose)),
    )


_some_keys = st.sampled_from(["a", "b", ""])
_withdrawals = _few(
    st.fixed_dictionaries(
        {
            "part": st.sampled_from(
                ["form_answers", "messages", "attachments", "appointment", "also_sent"]
            ),
            "key": _some_keys,
        }
    )
)


def keyed() -> st.SearchStrategy[Any]:
    """Return documents whose lists have few keys: what they say meets, and is withdrawn."""
    at = st.sampled_from(["2026-03-11T09:00:00-05:00", "2026-03-11T10:30:00Z", ""])
    text = st.sampled_from(["one", "two"])
    return _part(
        form_answers=_few(
            _part(form=st.sampled_from(["", "a", "b"]), key=text, label=text, value=text)
        ),
        messages=_few(_part(id=_some_keys, at=at, text=text)),
        attachments=_few(
            _part(key=_some_keys, filename=text, sha256=st.sampled_from(["", "1f", "2f"]))
        ),
        appointment=_part(id=_some_keys, status=text, location=text),
        also_sent=_few(_part(key=_some_keys, label=text, text=text)),
        unreadable=_few(
            _part(field=text, path=st.sampled_from(["reason", ""]), cause=text, text=text)
        ),
        reason=text,
        withdrawn=_withdrawals,
    )


def _registrants(kind: Any, identifiers: Any) -> st.SearchStrategy[Any]:
    use = kind(st.sampled_from(["home", "mobile", "work", "old", ""]))
    rank = st.integers(1, 5)
    slot = kind(st.sampled_from(["main", "alt"]))
    former = st.booleans()
    return _part(
        first_name=words,
        middle_name=words,
        last_name=words,
        other_names=_few(words),
        date_of_birth=kind(_dates),
        gender=st.one_of(st.sampled_from(["male", "female", "other", "unknown"]), words),
        languages=_few(_part(code=kind(_language_codes), name=words, preferred=st.booleans())),
        addresses=_few(
            _part(
                slot=slot,
                use=use,
                lines=_few(words),
                city=words,
                province=kind(_provinces),
                country=kind(_countries),
                postal_code=kind(_postal_codes),
                former=former,
            )
        ),
        phones=_few(
            _part(
                slot=slot,
                number=kind(_numbers),
                use=use,
                rank=rank,
                may_text=st.booleans(),
                former=former,
            )
        ),
        emails=_few(
            _part(slot=slot, address=words, rank=rank, may_email=st.booleans(), former=former)
        ),
        identifiers=identifiers,
        contacts=_few(
            _part(relationship=words, name=words, phones=_few(words), emails=_few(words))
        ),
    )


def _appointments(kind: Any) -> st.SearchStrategy[Any]:
    return _part(
        id=words,
        status=kind(st.sampled_from(["booked", "pending", "cancelled"])),
        start=kind(_instants),
        end=kind(_instants),
        duration_minutes=st.integers(0, 600),
        location=words,
        provider_full_name=words,
        description=words,
    )


_INTERNAL = [
    "{name}-zz{number}",
    "zz{number}_{name}_of_ours",
    "/item[{number}]/zz/{name}",
    "https://zz.example/{name}/{number}",
    "urn:uuid:0b5c8a9e-1111-2222-3333-44445555{number:04}",
    "Patient.contact[{number}].zz.{name}X",
]


def _with_internals(part: Any, form: str, name: str = "", number: int = 0) -> Any:
    """Return the part with something in every place that is there for machines."""
    if isinstance(part, list):
        return [_with_internals(one, form, name, place) for place, one in enumerate(part)]
    if not isinstance(part, dict):
        return part
    inner = {key: _with_internals(value, form, key) for key, value in part.items()}
    places = {
        "form_answers": ("form", "key"),
        "attachments": ("key",),
        "also_sent": ("key",),
        "unreadable": ("field",),
        "messages": ("id",),
        "phones": ("slot",),
        "emails": ("slot",),
        "addresses": ("slot",),
    }
    machines = {key: form.format(name=key, number=number) for key in places.get(name, ())}
    if name == "identifiers":
        machines["system"] = f"https://zz.example/NamingSystem/{number}"
    return inner | machines


def _numbered(document: Any, typed: bool) -> Any:
    count = 0

    def walk(part: Any, key: str = "") -> Any:
        nonlocal count
        if isinstance(part, dict):
            return {name: walk(value, name) for name, value in part.items()}
        if isinstance(part, list):
            return [walk(value, key) for value in part]
        if not isinstance(part, str) or not part.strip() or key in OUR_KEYS:
            return part
        if typed and key in TYPED_KEYS:
            return part
        count += 1
        return f"{part} tkn{count:04}x"

    return walk(document)

"""Elements of AIRS XML that several types have: texts, phones, people, addresses, hours."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from lxml import etree

from directory.exporting.content.carried import Values
from directory.exporting.content.wording import Wording
from directory.formats import airs
from directory.hours.icarol import day_hours
from directory.reading import phones, texts
from directory.reading.coordinates import as_text

Element = Any  # lxml's
_WITHHELD = {"en": "Confidential", "fr": "Confidentiel"}
_NO_ADDRESS = {"en": "No complete address is known.", "fr": "Aucune adresse complète n’est connue."}
_MINUTES = 60


def element(name: str, text: object = "", **attributes: object) -> Element:
    """Return an element with a text that XML can hold."""
    made = etree.Element(name, {key: clean(value) for key, value in attributes.items()})
    made.text = clean(text) or None
    return made


def clean(value: object) -> str:
    """Return a value as a text that XML can hold."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return texts.clean(str(value))


def parent(name: str, children: Iterable[Element], **attributes: object) -> Element:
    """Return an element with others in it."""
    made = element(name, **attributes)
    made.extend(children)
    return made


def fields(of: str, name: str, values: Values) -> Iterator[Element]:
    """Yield the element of a column, if it has a value."""
    text = values.text(airs.field(of, name).column)
    if text:
        yield element(name, text)


def also_known_as(values: Values) -> Iterator[Element]:
    if name := values.text("alternate_name"):
        yield parent("AKA", [element("Name", name), element("Confidential", False)])


def address_of(name: str, text: str, note: str = "") -> Element:
    """Return a URL or an e-mail address."""
    return parent(name, [element("Address", text), *([element("Note", note)] if note else [])])


def emails(values: Values) -> Iterator[Element]:
    """Yield the e-mail address, if AIRS takes it: `o'brien@` and `.community` it does not."""
    email = values.get("email") or ""
    if len(email) <= 254 and airs.EMAIL.fullmatch(email):
        values.take("email")
        yield address_of("Email", email)


def phone_elements(found: Iterable[Values]) -> Iterator[Element]:
    for one in found:
        number = one.text("number")
        inside = [element("PhoneNumber", number)]
        for name, column in (
            ("Extension", "extension"),
            ("Description", "description"),
            ("Type", "type"),
        ):
            if text := one.text(column):
                inside.append(element(name, text))
        toll_free = phones.is_toll_free(number)
        yield parent("Phone", inside, TollFree=toll_free, Confidential=False)


def withheld_phone(language: str) -> Element:
    """Return what stands where a phone is required and none is shown, for whatever reason."""
    inside = [element("ReasonWithheld", in_words(_WITHHELD, language))]
    return parent("Phone", inside, TollFree=False, Confidential=True)


def people(found: Iterable[Values]) -> Iterator[Element]:
    """Yield contacts; one without a name has no place."""
    for one in found:
        if not one.get("name"):
            continue
        inside = [element("Title", one.text("title"))] if one.get("title") else []
        inside.append(element("Name", one.text("name")))
        inside += [*emails(one), *phone_elements(one.rows("phones"))]
        yield parent("Contact", inside, Type="Contact")


def places(found: Sequence[Values], language: str, *, is_hidden: bool) -> Iterator[Element]:
    """Yield the addresses of a site: of a confidential one only that there is one."""
    if is_hidden:
        reason = element("ReasonWithheld", in_words(_WITHHELD, language))
        yield parent("PhysicalAddress", [reason], Confidential=True)
        return
    physical = [one for one in found if one.get("address_type") == "physical"]
    mailing = [one for one in found if one.get("address_type") == "postal"]
    if not physical and not mailing:
        yield no_address(language)
    yield from (_address("PhysicalAddress", one) for one in physical[:1])
    yield from (_address("MailingAddress", one) for one in mailing[:1])
    yield from (_address("OtherAddress", one) for one in [*physical[1:], *mailing[1:]])


def no_address(language: str) -> Element:
    return parent("NoPhysicalAddress", [element("Explanation", in_words(_NO_ADDRESS, language))])


def _address(name: str, one: Values) -> Element:
    one.take("address_type")
    parts = [
        element(part, text) for part, column in airs.ADDRESS.items() if (text := one.text(column))
    ]
    return parent(name, parts, Confidential=False)


def coordinates(values: Values) -> Iterator[Element]:
    latitude, longitude = values.get("latitude"), values.get("longitude")
    if latitude is not None and longitude is not None:
        values.take_all(("latitude", "longitude"))
        yield parent(
            "SpatialLocation",
            [
                element("Datum", "WGS84"),
                element("Latitude", as_text(latitude)),
                element("Longitude", as_text(longitude)),
            ],
        )


def time_open(schedules: Sequence[Values], wording: Wording) -> Iterator[Element]:
    """Yield the hours: weekly ones by day, everything else in words."""
    hours = wording.take(schedules)
    by_day: dict[int, list[Element]] = defaultdict(list)
    for weekday, opens, closes in day_hours(hours.weekly):
        by_day[(weekday + 1) % 7] += [element("From", _clock(opens)), element("To", _clock(closes))]
    inside = [parent(airs.DAYS[day], by_day[day]) for day in sorted(by_day)]
    if hours.words:
        inside.append(element("Notes", hours.words))
    if inside:
        yield parent("TimeOpen", inside)


def languages(found: Iterable[Values]) -> Iterator[Element]:
    """Yield the languages by name; one that has none goes by its code."""
    inside: list[Element] = []
    for one in found:
        if name := one.text("name") if one.get("name") else one.text("code"):
            inside.append(element("Name", name))
            if note := one.text("note"):
                inside.append(element("Notes", note))
    if inside:
        yield parent("Languages", inside)


def in_words(by_language: dict[str, str], language: str) -> str:
    return by_language.get(language[:2], by_language["en"])


def _clock(minutes: int) -> str:
    return f"{minutes // _MINUTES:02}:{minutes % _MINUTES:02}:00"

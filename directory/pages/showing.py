"""Services of stored answers as the pages show them: a card in a list, a whole record."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from directory.answers.rendering import NEUTRAL_NAME
from directory.hours.closings import split
from directory.hours.wording import month_in_words
from directory.pages.phrases import distance_in_words, number_in_words
from directory.pages.when import Badge, Json, Now, When, badge, when
from directory.reading import links, phones
from directory.reading.days import parse_day

_FAX = "fax"
_SHORT = 280  # characters of a description in a list
_MAP = "https://www.openstreetmap.org/?mlat={0}&mlon={1}#map=17/{0}/{1}"


@dataclass(frozen=True)
class Call:
    """A phone number. `link` is empty where it cannot be dialed as it stands."""

    number: str
    link: str
    label: str


@dataclass(frozen=True)
class Card:
    """A service in a list."""

    id: str
    name: str
    agency: str
    description: str
    badge: Badge | None
    where: str
    verified: str
    call: Call | None


@dataclass(frozen=True)
class Link:
    """A web or mail address. `url` is empty where it has to stay text."""

    text: str
    url: str


@dataclass(frozen=True)
class Place:
    """One place of a service, with its hours. Without a name and address it is confidential."""

    name: str
    address: Sequence[str]
    map_url: str
    calls: Sequence[Call]
    facts: Sequence[tuple[str, str]]
    description: str
    is_confidential: bool
    when: When


@dataclass(frozen=True)
class Record:
    """A whole service."""

    id: str
    name: str
    agency: str
    description: str
    alert: str
    badge: Badge | None
    facts: Sequence[tuple[str, str]]
    calls: Sequence[Call]
    links: Sequence[tuple[str, Link]]
    places: Sequence[Place]
    when: When | None  # of a service without a place
    verified: str


# -- a card ---------------------------------------------------------------------------------------


def card(service: Json, metres: float | None, now: Now) -> Card:
    places = service.get("service_at_locations", [])
    description = service.get("description", "")
    verified = parse_day(service.get("assured_date"))
    return Card(
        id=service["id"],
        name=service["name"],
        agency=service.get("organization", {}).get("name", ""),
        description=_shortened("" if description == service["name"] else description),
        badge=badge(service, places, now),
        where=_where(places, metres, now),
        verified=(
            now.phrases["verified"].format(month_in_words(verified, now.language))
            if verified
            else ""
        ),
        call=next(iter(_calls(_phones_of(service, places), now)), None),
    )


def _where(places: Sequence[Json], metres: float | None, now: Now) -> str:
    """Return the distance, else the cities; of what is at no physical place, that it is not."""
    if metres is not None:
        return distance_in_words(metres, now.language)
    physical = [one for one in places if one["location"]["location_type"] == "physical"]
    if not physical:
        return now.phrases["no_place"]
    cities = (
        address.get("city", "")
        for place in physical
        for address in place["location"].get("addresses", ())[:1]
    )
    return ", ".join(list(dict.fromkeys(filter(None, cities)))[:3])


def _shortened(text: str) -> str:
    if len(text) <= _SHORT:
        return text
    return f"{text[:_SHORT].rsplit(maxsplit=1)[0]}…"


# -- a record -------------------------------------------------------------------------------------


def record(service: Json, now: Now) -> Record:
    places = service.get("service_at_locations", [])
    _, alert = split(service.get("alert", ""))
    agency = service.get("organization", {})
    verified = parse_day(service.get("assured_date"))
    own = _own_phones(service)
    return Record(
        id=service["id"],
        name=service["name"],
        agency=agency.get("name", ""),
        description=service.get("description", ""),
        alert=alert,
        badge=badge(service, places, now),
        facts=list(_facts(service, now)),
        calls=list(_calls(own, now, fax=True))
        or list(_calls(_phones_of(service, places), now))[:1],
        links=list(_links(service, agency, now)),
        places=[_place(service, place, now) for place in places],
        when=None if places else when(service, None, now),
        verified=_verified(verified, now),
    )


def _verified(day: date | None, now: Now) -> str:
    if day is None:
        return now.phrases["not_verified"]
    return now.phrases["last_verified"].format(month_in_words(day, now.language))


def _facts(service: Json, now: Now) -> Iterator[tuple[str, str]]:
    """Yield what people ask first, with its heading; what is unknown is left out."""
    found = (
        ("eligibility", _eligibility(service, now)),
        ("cost", _cost(service)),
        ("documents", _listed(service, "required_documents", "document")),
        ("apply", service.get("application_process", "")),
        ("wait_time", service.get("wait_time", "")),
        ("languages", _listed(service, "languages", "name", "code")),
        ("interpretation", service.get("interpretation_services", "")),
        ("area", _listed(service, "service_areas", "name", "description")),
        ("topics_of_service", ", ".join(_terms(service))),
    )
    for name, text in found:
        if text:
            yield now.phrases[name], text


def _eligibility(service: Json, now: Now) -> str:
    youngest, oldest = service.get("minimum_age"), service.get("maximum_age")
    ages = ""
    if youngest and oldest:
        text = now.phrases["age_from_to"]
        ages = text.format(number_in_words(youngest), number_in_words(oldest))
    elif youngest:
        ages = now.phrases["age_from"].format(number_in_words(youngest))
    elif oldest:
        ages = now.phrases["age_to"].format(number_in_words(oldest))
    return "\n".join(filter(None, [service.get("eligibility_description", ""), ages]))


def _cost(service: Json) -> str:
    options = (
        " ".join(
            str(part)
            for part in (
                option.get("option"),
                option.get("amount"),
                option.get("currency") if "amount" in option else None,
                option.get("amount_description"),
            )
            if part not in (None, "")
        )
        for option in service.get("cost_options", ())
    )
    texts = [service.get("fees_description", "") or service.get("fees", ""), *options]
    return "\n".join(filter(None, texts))


def _listed(service: Json, name: str, *columns: str) -> str:
    """Return one column of rows, or the first of several that a row has."""
    texts = (
        next(filter(None, (row.get(column, "") for column in columns)), "")
        for row in service.get(name, ())
    )
    return ", ".join(dict.fromkeys(filter(None, texts)))


def _terms(service: Json) -> list[str]:
    terms = (
        row["taxonomy_term"] for row in service.get("attributes", ()) if "taxonomy_term" in row
    )
    return list(dict.fromkeys(term["name"] for term in terms))


def codes(service: Json) -> set[str]:
    """Return the codes of the service's own terms."""
    terms = (row.get("taxonomy_term", {}) for row in service.get("attributes", ()))
    return {term["code"] for term in terms if term.get("code")}


def _links(service: Json, agency: Json, now: Now) -> Iterator[tuple[str, Link]]:
    website = service.get("url") or agency.get("website")
    if website:
        yield now.phrases["website"], _link(website)
    for row in (*service.get("additional_urls", ()), *agency.get("additional_websites", ())):
        if row.get("url"):
            yield row.get("label") or now.phrases["website"], _link(row["url"])
    if email := service.get("email") or agency.get("email"):
        yield now.phrases["email"], Link(email, links.safe(f"mailto:{email}") or "")


def _link(address: str) -> Link:
    shown = address.removeprefix("https://").removeprefix("http://").rstrip("/")
    return Link(shown, links.safe(address) or "")


# -- a place --------------------------------------------------------------------------------------


def _place(service: Json, place: Json, now: Now) -> Place:
    location = place["location"]
    # Of a confidential location an answer has its id, its type, and a neutral name.
    is_bare = not set(location) - {"id", "location_type", "name"}
    address = next(
        (one for one in location.get("addresses", ()) if one.get("address_type") == "physical"),
        None,
    )
    own = [*_own_phones(place), *location.get("phones", ())]
    return Place(
        name=location.get("name", ""),
        address=list(_address(address)) if address else [],
        map_url=_map_url(location),
        calls=list(_calls(own, now, fax=True)),
        facts=list(_facts_of_place(location, now)),
        description=place.get("description", ""),
        is_confidential=is_bare and location.get("name") in NEUTRAL_NAME.values(),
        when=when(service, place, now),
    )


def _address(address: Json) -> Iterator[str]:
    yield from filter(None, (address.get("address_1", ""), address.get("address_2", "")))
    parts = (address.get("city", ""), address.get("state_province", ""))
    city = ", ".join(filter(None, parts))
    if line := "  ".join(filter(None, (city, address.get("postal_code", "")))):
        yield line


def _map_url(location: Json) -> str:
    north, east = location.get("latitude"), location.get("longitude")
    return _MAP.format(north, east) if north and east else ""


def _facts_of_place(location: Json, now: Now) -> Iterator[tuple[str, str]]:
    access = _joined(
        " – ".join(filter(None, (row.get("description", ""), row.get("details", ""))))
        for row in location.get("accessibility", ())
    )
    texts = (
        ("access", access),
        ("getting_there", location.get("transportation", "")),
        ("description", location.get("description", "")),
        ("languages", _listed(location, "languages", "name", "code")),
    )
    for name, text in texts:
        if text:
            yield now.phrases[name], text


def _joined(texts: Iterable[str]) -> str:
    return "\n".join(dict.fromkeys(filter(None, texts)))


# -- phones ---------------------------------------------------------------------------------------


def _own_phones(holder: Json) -> list[Json]:
    contacts = holder.get("contacts", ())
    return [
        *holder.get("phones", ()),
        *(phone for contact in contacts for phone in contact.get("phones", ())),
    ]


def _phones_of(service: Json, places: Sequence[Json]) -> list[Json]:
    """Return the phones by which a service is best reached, in this order."""
    return [
        *_own_phones(service),
        *(phone for place in places for phone in _own_phones(place)),
        *(phone for place in places for phone in place["location"].get("phones", ())),
        *service.get("organization", {}).get("phones", ()),
    ]


def _calls(found: Iterable[Json], now: Now, *, fax: bool = False) -> Iterator[Call]:
    """Yield each number once; fax numbers only where they are asked for, and never to tap."""
    seen = set()
    for phone in found:
        extension = str(phone.get("extension", ""))
        key = (phones.key(phone["number"]), extension)
        is_fax = phone.get("type", "").casefold() == _FAX
        if key in seen or (is_fax and not fax):
            continue
        seen.add(key)
        number = phone["number"]
        if extension:
            number = f"{number} {now.phrases['extension'].format(extension)}"
        link = "" if is_fax else phones.link(phone["number"], extension) or ""
        label = phone.get("description", "") or ("Fax" if is_fax else "")
        yield Call(number, link, label)


def names(services: Iterable[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Return ids and names of services, by name."""
    return sorted(((one["id"], one["name"]) for one in services), key=lambda one: one[1].casefold())


def languages(services: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the codes of the languages that services are in, those of most services first."""
    codes = Counter(
        code
        for service in services
        for code in {row.get("code", "").casefold() for row in service.get("languages", ())}
    )
    return [code for code, _count in sorted(codes.items(), key=lambda one: (-one[1], one[0]))]

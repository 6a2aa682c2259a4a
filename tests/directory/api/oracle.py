"""What each parameter should find, in plain Python, from what the API itself answers in full.

It reads whole answers in both languages, as a reader outside would, and knows nothing of tables.
"""

import json
import math
import re
import unicodedata
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from dateutil.rrule import MONTHLY, WEEKLY, rrulestr

ZONE = ZoneInfo("America/Toronto")
OFFSETS = ("-05:00", "-04:00")  # that the zone has; the first in winter
BASE = "/hsds/3.1"
FREQUENCIES = {"WEEKLY": WEEKLY, "MONTHLY": MONTHLY}


class Oracle:
    """Whole lists by kind: of each entry its answers in all languages."""

    def __init__(self, client: Any) -> None:
        self.services = self._all(client, "services")
        self.places = self._all(client, "service_at_locations")
        self.organizations = self._all(client, "organizations", full_service="true")
        self.terms = self._all(client, "taxonomy_terms")
        self.postcodes: dict[str, tuple[float, float, list[str]]] = {}

    def _all(self, client: Any, path: str, **parameters: str) -> dict[str, list[Any]]:
        found: dict[str, list[Any]] = {}
        for lang in ("en", "fr"):
            query = {"format": "ndjson", "extras": "true", "lang": lang} | parameters
            for line in b"".join(client.get(f"{BASE}/{path}", query)).splitlines():
                item = json.loads(line)
                found.setdefault(item["id"], []).append(item)
        return found

    def find(self, path: str, **parameters: Any) -> set[str]:
        entries = {
            "services": self.services,
            "service_at_locations": self.places,
            "organizations": self.organizations,
            "taxonomy_terms": self.terms,
        }[path]
        place = {
            name: parameters.pop(name)
            for name in ("postcode", "proximity", "latitude", "longitude")
            if name in parameters
        }
        return {
            key
            for key, answers in entries.items()
            if all(getattr(self, name)(path, answers, value) for name, value in parameters.items())
            and (not place or self.near_or_serving(path, answers, **place))
        }

    # -- services and what goes by them -----------------------------------------------------------

    def service(self, path: str, answer: Any) -> Any:
        return answer["service"] if path == "service_at_locations" else answer

    def organization_id(self, path: str, answers: Any, value: str) -> bool:
        return self.service(path, answers[0]).get("organization", {}).get("id") == value

    def modified_after(self, path: str, answers: Any, value: str) -> bool:
        moment = datetime.fromisoformat(self.service(path, answers[0])["last_modified"])
        return moment >= datetime.fromisoformat(value)

    def spoken_language(self, path: str, answers: Any, value: str) -> bool:
        languages = self.service(path, answers[0]).get("languages", [])
        return value in [language["code"] for language in languages]

    def age(self, path: str, answers: Any, value: float) -> bool:
        service = self.service(path, answers[0])
        return service.get("minimum_age", 0) <= value <= service.get("maximum_age", 1000)

    # -- terms ------------------------------------------------------------------------------------

    def own_terms(self, path: str, answer: Any) -> list[Any]:
        attributes = list(answer.get("attributes", []))
        if path == "service_at_locations":
            attributes += answer["service"].get("attributes", [])
        if path == "organizations":
            for service in answer["services"]:
                attributes += service.get("attributes", [])
        return [attribute["taxonomy_term"] for attribute in attributes]

    def taxonomy_term_id(self, path: str, answers: Any, value: str) -> bool:
        return value in [term["id"] for term in self.own_terms(path, answers[0])]

    def taxonomy_id(self, path: str, answers: Any, value: str) -> bool:
        if path == "taxonomy_terms":
            return answers[0]["taxonomy_detail"]["id"] == value
        return value in [term["taxonomy_detail"]["id"] for term in self.own_terms(path, answers[0])]

    def taxonomy_code(self, path: str, answers: Any, value: str) -> bool:
        return any(value in self._codes_up(term) for term in self.own_terms(path, answers[0]))

    def _codes_up(self, term: Any) -> list[str]:
        parent = self.terms[term["parent_id"]][0] if "parent_id" in term else None
        return [term["code"], *(self._codes_up(parent) if parent else [])]

    def top_only(self, path: str, answers: Any, value: str) -> bool:
        return value == "false" or "parent_id" not in answers[0]

    def parent_id(self, path: str, answers: Any, value: str) -> bool:
        return answers[0].get("parent_id") == value

    # -- words ------------------------------------------------------------------------------------

    def search(self, path: str, answers: Any, value: str) -> bool:
        return self.rank(path, answers, value) is not None

    def rank(self, path: str, answers: Any, value: str) -> int | None:
        """Return how well all words match: 0 in names, 1 with terms, 2 with the rest."""
        names, terms, rest = set(), set(), set()
        for answer in answers:
            for found, texts in zip((names, terms, rest), self._texts(path, answer), strict=True):
                found.update(word for text in texts for word in words(text))
        for rank, found in enumerate((names, names | terms, names | terms | rest)):
            if all(any(one.startswith(word) for one in found) for word in words(value)):
                return rank
        return None

    def _texts(self, path: str, answer: Any) -> tuple[list[str], list[str], list[str]]:
        service = self.service(path, answer)
        if path in ("organizations", "taxonomy_terms"):
            rest = [*_given(answer, "description", "code")]
            return (
                [*_given(answer, "name", "alternate_name"), *answer.get("x_synonyms", [])],
                [],
                rest,
            )
        of = [service, service.get("program", {}), service.get("organization", {})]
        names = [text for one in of for text in _given(one, "name", "alternate_name")]
        rest = [text for one in of for text in _given(one, "description")]
        terms = [
            text
            for term in self.own_terms("services", service)
            for text in [term["name"], *term["x_synonyms"]]
        ]
        rest += [
            address["city"]
            for at in self.locations(path, answer)
            for address in at.get("addresses", [])
        ]
        return names, terms, rest

    def locations(self, path: str, answer: Any) -> list[Any]:
        if path == "service_at_locations":
            return [answer["location"]]
        return [at["location"] for at in answer.get("service_at_locations", [])]

    # -- places -----------------------------------------------------------------------------------

    def near_or_serving(self, path: str, answers: Any, **place: Any) -> bool:
        if "proximity" not in place:
            return self._serves(path, answers, place["postcode"])
        distance = self.distance(path, answers[0], **place)
        return distance is not None and distance <= place["proximity"]

    def distance(self, path: str, answer: Any, **place: Any) -> float | None:
        if "postcode" in place:
            point = self.postcodes[place["postcode"]][:2]
        else:
            point = place["latitude"], place["longitude"]
        return min(
            (
                metres(point, (at["latitude"], at["longitude"]))
                for at in self.locations(path, answer)
                if "latitude" in at
            ),
            default=None,
        )

    def _serves(self, path: str, answers: Any, postcode: str) -> bool:
        areas = [area for answer in answers for area in answer.get("service_areas", [])]
        if not areas and path == "service_at_locations":
            areas = [a for answer in answers for a in answer["service"].get("service_areas", [])]
        return not areas or any(self._covers(area, postcode) for area in areas)

    def _covers(self, area: Any, postcode: str) -> bool:
        north, east, names = self.postcodes[postcode]
        if area.get("name") in names:
            return True
        if area.get("extent_type") != "geojson":
            return False
        (ring,) = json.loads(area["extent"])["coordinates"]
        easts, norths = zip(*ring, strict=True)  # the polygons of the world are rectangles
        return min(easts) < east < max(easts) and min(norths) < north < max(norths)

    # -- hours ------------------------------------------------------------------------------------

    def open_at(self, path: str, answers: Any, value: str) -> bool:
        moment = datetime.fromisoformat(value)
        local = moment.astimezone(ZONE).replace(tzinfo=None) if moment.tzinfo else moment
        answer = answers[0]
        service = self.service(path, answer)
        if service["status"] == "temporarily closed":
            return False
        places = (
            [answer] if path == "service_at_locations" else answer.get("service_at_locations", [])
        )
        if not places:
            return any_open(service.get("schedules", []), service, local)
        return any(
            any_open(
                at.get("schedules")
                or service.get("schedules")
                or at["location"].get("schedules", []),
                service,
                local,
            )
            for at in places
        )


def any_open(schedules: list[Any], service: Any, local: datetime) -> bool:
    closed = closings(service.get("alert", ""))
    return any(
        start <= local < end and start.date() not in closed
        for schedule in schedules
        for start, end in intervals(schedule, local)
    )


def intervals(schedule: Any, local: datetime) -> list[tuple[datetime, datetime]]:
    if "opens_at" not in schedule or "closes_at" not in schedule:
        return []
    (opens, opens_on), (closes, _) = clock(schedule["opens_at"]), clock(schedule["closes_at"])
    closed = closings(schedule.get("notes", ""))
    found = []
    for day in days(schedule, local.date()):
        start = datetime.combine(day + timedelta(days=opens_on), opens)
        end = datetime.combine(start.date(), closes)
        if closes == time(23, 59):
            end += timedelta(minutes=1)
        if end <= start:
            end += timedelta(days=1)
        if schedule["opens_at"] == schedule["closes_at"]:
            end = start + timedelta(days=1)
        if start.date() not in closed:
            found.append((start, end))
    return found


def clock(text: str) -> tuple[time, int]:
    """Return the local time of `09:00-05:00`, and by how many days that moves it."""
    if text[5:] in OFFSETS:
        return time.fromisoformat(text[:5]), 0
    there = datetime.fromisoformat(f"2026-01-02T{text}")
    here = there.astimezone(datetime.fromisoformat(f"2026-01-02T00:00{OFFSETS[0]}").tzinfo)
    return here.time(), (here.date() - date(2026, 1, 2)).days


def days(schedule: Any, around: date) -> list[date]:
    """Return the days of a rule from three before to three after a day."""
    if "freq" not in schedule:
        return []
    first, last = around - timedelta(days=3), around + timedelta(days=3)
    anchor = schedule.get("dtstart") or schedule.get("valid_from")
    if schedule.get("interval", 1) > 1 and not anchor:
        return []
    parts = [f"FREQ={schedule['freq']}"]
    names = ("interval", "count", "byday", "bymonthday", "byyearday", "byweekno", "wkst")
    parts += [f"{name.upper()}={schedule[name]}" for name in names if name in schedule]
    start = date.fromisoformat(anchor) if anchor else first - timedelta(days=62)
    rule = rrulestr(";".join(parts), dtstart=datetime.combine(start, time()))
    bounds = [schedule[name] for name in ("valid_to", "until") if name in schedule]
    last = min([last, *map(date.fromisoformat, bounds)])
    found = rule.between(datetime.combine(first, time()), datetime.combine(last, time()), inc=True)
    return [moment.date() for moment in found]


def closings(text: str) -> set[date]:
    found: set[date] = set()
    while match := re.match(r"Closed ([\d-]{10})(?: to ([\d-]{10}))?\. ?", text):
        day, last = date.fromisoformat(match[1]), date.fromisoformat(match[2] or match[1])
        while day <= last:
            found.add(day)
            day += timedelta(days=1)
        text = text[match.end() :]
    return found


def words(text: str) -> list[str]:
    text = text.replace("œ", "oe").replace("æ", "ae").replace("Œ", "oe").replace("Æ", "ae")
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return re.findall(r"[^\W_]+", plain.casefold())


def metres(a: tuple[float, float], b: tuple[float, float]) -> float:
    """By the angle between two vectors: another formula than the one that is tried."""
    ax, bx = (math.radians(a[0]), math.radians(a[1])), (math.radians(b[0]), math.radians(b[1]))
    cosine = math.sin(ax[0]) * math.sin(bx[0]) + math.cos(ax[0]) * math.cos(bx[0]) * math.cos(
        ax[1] - bx[1]
    )
    return 6_371_008.8 * math.acos(max(-1.0, min(1.0, cosine)))


def _given(answer: Any, *names: str) -> list[str]:
    return [answer[name] for name in names if name in answer]

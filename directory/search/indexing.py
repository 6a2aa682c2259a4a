"""Notes the words and the hours of entries that are built anew."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from directory.answers.building import digest, is_unanswered
from directory.answers.loading import Loaded
from directory.answers.rendering import is_hidden
from directory.hours.times import RowTime
from directory.models import AreaName, Entry, Hours, Kind, Schedule, ScheduleHours, Word
from directory.reading.words import words

_HOURS = (
    "valid_from",
    "valid_to",
    "dtstart",
    "until",
    "count",
    "wkst",
    "freq",
    "interval",
    "byday",
    "byweekno",
    "bymonthday",
    "byyearday",
)
Part = Word.Part


def index(loaded: Loaded) -> None:
    """Note words, hours and areas of the entries that `loaded` was asked for."""
    _index_words(loaded)
    _index_hours(loaded)
    _index_areas(loaded)


def _index_words(loaded: Loaded) -> None:
    asked = [loaded.entries[key] for keys in loaded.asked.values() for key in keys]
    wanted = {
        (word, part, entry.pk, program)
        for entry in asked
        if not is_unanswered(entry, loaded) and not is_hidden(entry)
        for part, texts, program in _texts(entry, loaded)
        for text in texts
        for word in words(text)
    }
    stored = {
        (word, part, entry, program): key
        for key, word, part, entry, program in Word.objects.filter(
            entry__in=[entry.pk for entry in asked]
        ).values_list("pk", "word", "part", "entry", "program")
    }
    gone = [key for known, key in stored.items() if known not in wanted]
    Word.objects.filter(pk__in=gone).delete()
    Word.objects.bulk_create(
        (
            Word(word=word, part=part, entry_id=entry, program_id=program)
            for word, part, entry, program in wanted - set(stored)
        ),
        batch_size=5000,
    )


def _texts(entry: Entry, loaded: Loaded) -> Iterator[tuple[Part, Iterable[str], int | None]]:
    """Yield the texts of an entry that search reads, with their part and perhaps a program."""
    key = entry.pk
    match entry.kind:
        case Kind.SERVICE:
            yield from _named(loaded.services[key])
        case Kind.ORGANIZATION:
            yield from _named(loaded.agencies[key])
            for program in loaded.lists["program", "organization", key]:
                yield from _named(program, program.pk)
        case Kind.LOCATION:
            addresses = loaded.lists["address", "location", key]
            for address in addresses:
                if not address.private:
                    yield Part.CITY, address.city.values(), None
        case Kind.TAXONOMY:
            yield from _named(loaded.taxonomies[key])
        case Kind.TAXONOMY_TERM:
            term = loaded.terms[key]
            yield from _named(term)
            for synonyms in term.synonyms.values():
                yield Part.NAME, synonyms, None
            yield Part.TEXT, [term.code], None


def _named(
    row: Any, program: int | None = None
) -> Iterator[tuple[Part, Iterable[str], int | None]]:
    yield Part.NAME, row.name.values(), program
    yield Part.NAME, getattr(row, "alternate_name", {}).values(), program
    yield Part.TEXT, row.description.values(), program


def _index_areas(loaded: Loaded) -> None:
    areas = {
        area.pk: area
        for (table, *_), found in loaded.lists.items()
        if table == "service_area"
        for area in found
    }
    AreaName.objects.filter(area__in=areas).delete()
    AreaName.objects.bulk_create(
        AreaName(area=area, name=name)
        for area in areas.values()
        for name in {text.strip()[:300] for text in area.name.values()}
    )


# -- hours ----------------------------------------------------------------------------------------


def _index_hours(loaded: Loaded) -> None:
    schedules = {
        schedule.pk: schedule
        for (table, *_), found in loaded.lists.items()
        if table == "schedule"
        for schedule in found
    }
    columns = {key: columns_of(schedule) for key, schedule in schedules.items()}
    keys = {key: digest([json.dumps(one, sort_keys=True)]) for key, one in columns.items()}
    by_key = {keys[key]: one for key, one in columns.items()}
    Hours.objects.bulk_create(
        (Hours(key=key, columns=one) for key, one in by_key.items()), ignore_conflicts=True
    )
    hours = dict(Hours.objects.filter(key__in=by_key).values_list("key", "pk"))
    ScheduleHours.objects.bulk_create(
        (ScheduleHours(schedule_id=key, hours_id=hours[keys[key]]) for key in schedules),
        update_conflicts=True,
        unique_fields=["schedule"],
        update_fields=["hours"],
    )


def columns_of(schedule: Schedule) -> dict[str, Any]:
    """Return the columns of a schedule that say when it is open, as HSDS writes them."""
    found: dict[str, Any] = {}
    for name in _HOURS:
        value = getattr(schedule, name)
        if value not in (None, ""):
            found[name] = value if isinstance(value, int) else str(value)
    for name in ("opens_at", "closes_at"):
        if (time := getattr(schedule, name)) is not None:
            found[name] = str(RowTime(time.hour * 60 + time.minute, _offset(schedule, name)))
    return found


def _offset(schedule: Schedule, name: str) -> int | None:
    offset: int | None = getattr(schedule, f"{name}_offset")
    return offset

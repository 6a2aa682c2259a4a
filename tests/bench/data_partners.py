"""What data partners cost: pages with excluded fields, export files, the feed, and each change.

A few services are imported, with terms, hours, and two languages; `multiplied` makes many of them.
The page of services is asked for in turn with one of a bare view, which reads 50 rows that hold the
same texts as they are sent; both go through the same middleware. So are two feeds: of a view in
which few changes were numbered, and of one in which many were. Statements are counted of what a
person's click does, and of what takes it in; memory is the most that a process has which writes
one file and does nothing else.
"""

import json
import os
import statistics
from collections.abc import Callable, Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.bench import figures, portal
from tests.bench.deliveries import spent_seconds
from tests.bench.multiplied import ORIGINAL, multiply

EXCLUDED = ["contact", "schedule", "service.fees_description", "service.minimum_age"]
FEED, LIMIT = "/api/v1/directory/changes", 1000
OF_AGENCY, TERMS = 4, 20
SUPPLIER = "bench"


def measure(
    services: int, copies: int, partners: int, few: int, many: int, renamed: int, rounds: int
) -> dict[str, Any]:
    """Return the figures with so many services, and with `copies` times as many."""
    portal.start()
    from django.test.utils import override_settings

    first = plant(services)
    readers = [reader(exclude_fields=EXCLUDED), *(reader() for _ in range(partners))]
    take_in()
    small = {"memory": peaks(), "statements": statements(), "rename": rename_statements(10)}
    multiply(copies - 1, first)
    portal.gather_statistics()
    large = {"memory": peaks(), "statements": statements(), "rename": rename_statements(renamed)}
    with override_settings(ROOT_URLCONF="tests.bench.data_partners_urls"):
        (_, excluding), (one, of_few), (two, of_many) = readers[:3]
        asked = {
            "ours": page_of(excluding, "/hsds/3.1/services"),
            "bare": page_of(excluding, "/bare"),
            "few": page_of(of_few, feed_after(one, few)),
            "many": page_of(of_many, feed_after(two, many)),
        }
        portal.gather_statistics()
        return medians(asked, rounds) | {"small": small, "large": large}


# -- what there is --------------------------------------------------------------------------------


def plant(services: int) -> int:
    """Make a directory of so many services; return the key of its first entry that is no term."""
    from directory.importing.running import Options, run
    from directory.models import Entry, View
    from tests.directory import make

    for name in View.Name.values:
        View.objects.get_or_create(name=name)
    make.directory(airs_taxonomy="Needs", record_owner="NORTH", mailbox="desk@example.org")
    taxonomy = make.taxonomy("Needs", short_name="Needs")
    terms = [make.term(f"Need {number}", taxonomy=taxonomy) for number in range(TERMS)]
    take_in()
    first = (Entry.objects.order_by("-pk").values_list("pk", flat=True).first() or 0) + 1
    with TemporaryDirectory() as folder:
        for language in ("en", "fr"):
            file = Path(folder) / f"{language}.ndjson"
            with file.open("w") as lines:
                lines.writelines(f"{json.dumps(one)}\n" for one in _services(services, terms))
            report = run(file, SUPPLIER, Options(partial=True, language=language))
            assert not report.problems, report.problems[:3]
    return first


def take_in() -> None:
    from directory.taking_in import take_in as all_in

    all_in()


def _id(kind: int, number: int) -> str:
    return f"{ORIGINAL}{kind:04x}-4000-8000-{number:012x}"


def _services(count: int, terms: list[Any]) -> Iterable[dict[str, Any]]:
    """Yield full services with an agency, a place, a phone, hours, and a term each."""
    for number in range(count):
        term = terms[number % TERMS]
        place = {
            "id": _id(2, number),
            "location_type": "physical",
            "name": f"Place {number}",
            "latitude": round(44 + number % 997 / 200, 4),
            "longitude": round(-81 + number % 89 / 100, 4),
            "addresses": [
                {
                    "id": _id(3, number),
                    "address_1": f"{number} Main Street",
                    "city": "Sudbury",
                    "state_province": "ON",
                    "postal_code": "P3E 1A1",
                    "country": "CA",
                    "address_type": "physical",
                }
            ],
        }
        hours = {"freq": "WEEKLY", "byday": "MO,TU,WE", "opens_at": "09:00", "closes_at": "17:00"}
        yield {
            "id": _id(1, number),
            "name": f"Community help {number}",
            "description": f"What people need of number {number}.",
            "application_process": "Call first, or come to the desk on any weekday.",
            "fees_description": "Free",
            "minimum_age": 18,
            "status": "active",
            "organization": {
                "id": _id(4, number // OF_AGENCY),
                "name": f"Agency {number // OF_AGENCY}",
                "description": f"The agency {number // OF_AGENCY}.",
                "email": f"info{number // OF_AGENCY}@example.org",
            },
            "phones": [{"id": _id(5, number), "number": f"705-{number % 900 + 100:03}-0100"}],
            "schedules": [{"id": _id(6, number), **hours}],
            "attributes": [
                {
                    "id": _id(7, number),
                    "link_entity": "service",
                    "taxonomy_term": {
                        "id": str(term.entry.hsds_id),
                        "code": term.code,
                        "name": term.name["en"],
                        "description": "A need.",
                    },
                }
            ],
            "service_at_locations": [{"id": _id(8, number), "location": place}],
        }


def reader(**fields: Any) -> tuple[Any, Any]:
    """Return a data partner and its client."""
    from tests.directory import agreed

    partner = agreed.partner(**fields)
    return partner, agreed.client(partner)


# -- memory and statements ------------------------------------------------------------------------


def peaks() -> dict[str, float]:
    """Return the most megabytes that a process has while it writes each export."""
    from directory.exporting.writing import FORMATS

    return {
        name: figures.Measurement("export", dict(os.environ), form=name).figures()["megabytes"]
        for name in FORMATS
    }


def statements() -> int:
    """Return how many statements it takes to save a service and to take it in."""
    from directory.models import Service

    service = Service.objects.filter(entry__supplier__name=SUPPLIER).order_by("pk")[10]
    _rename(service, 0)  # the first time, a field is noted that staff keep
    return _counted(lambda: _rename(service, 1))


def _rename(row: Any, number: int) -> None:
    _click(row, number)
    take_in()


def _click(row: Any, number: int) -> None:
    from directory.editing.recording import edit

    with edit([row.pk], None, "bench"):
        row.name = {"en": f"Renamed {number}", "fr": f"Autre nom {number}"}
        row.save()


def _counted(does: Callable[[], None]) -> int:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as asked:
        does()
    return len(asked)


def rename_statements(services: int) -> int:
    """Return how many statements the click takes that renames an agency with so many services."""
    from directory.models import Holding, Service
    from tests.directory import make

    agency = make.agency(f"Agency of {services}")
    take_in()
    keys = list(Service.objects.order_by("-pk").values_list("pk", flat=True)[:services])
    Service.objects.filter(pk__in=keys).update(organization=agency)
    Holding.objects.bulk_create(
        (Holding(holder_id=key, held_id=agency.pk, direct=True) for key in keys), batch_size=5_000
    )
    return _counted(lambda: _click(agency, services))


# -- pages ----------------------------------------------------------------------------------------


def page_of(client: Any, path: str) -> Callable[[], None]:
    def ask() -> None:
        answer = client.get(path, headers={"host": "localhost"})
        assert answer.status_code == 200, answer.content

    return ask


def feed_after(partner: Any, number: int) -> str:
    """Let so many changes have been numbered in a view, each by itself; return the address of the
    page behind the first half of them.

    A view that has more entries than that loses the others.
    """
    from django.db import connection

    from directory.data_partners import feed
    from directory.models import View

    view = View.objects.get(pk=partner.view_id)
    parameters = {"view": view.pk, "number": number}
    with connection.cursor() as cursor:
        for statement in _NUMBERED:
            cursor.execute(statement, parameters)
    return f"{FEED}?limit={LIMIT}&after={feed.cursor_at(view, number // 2)}"


# Entries are spread over the numbers, which end with the last one: as if each of them had been
# changed several times, and the last change of each is what the feed has.
_NUMBERED = (
    """
    CREATE TEMPORARY TABLE numbered ON COMMIT PRESERVE ROWS AS
    SELECT id, row_number() OVER (ORDER BY id) AS place FROM directory_membership
    WHERE view_id = %(view)s ORDER BY id LIMIT %(number)s
    """,
    """
    DELETE FROM directory_membership member WHERE view_id = %(view)s
    AND NOT EXISTS (SELECT 1 FROM numbered WHERE numbered.id = member.id)
    """,
    # Out of the way first: a number is unique at every moment.
    "UPDATE directory_membership SET number = NULL WHERE view_id = %(view)s",
    """
    UPDATE directory_membership SET entered = 1, number =
        %(number)s - (SELECT count(*) FROM numbered) * step.size + numbered.place * step.size
    FROM numbered, (SELECT %(number)s / count(*) AS size FROM numbered) AS step
    WHERE directory_membership.id = numbered.id
    """,
    "DELETE FROM directory_numbering WHERE view_id = %(view)s",
    """
    INSERT INTO directory_numbering (view_id, last, mark, at)
    SELECT %(view)s, last, 1, now() FROM generate_series(1, %(number)s) AS last
    """,
    "UPDATE directory_view SET last_number = %(number)s WHERE id = %(view)s",
    "DROP TABLE numbered",
)


def medians(asked: dict[str, Callable[[], None]], rounds: int) -> dict[str, Any]:
    """Return the median CPU milliseconds of each, asked for in turn."""
    spent: dict[str, list[float]] = {name: [] for name in asked}
    for _ in range(rounds + 1):  # the first one warms up; a quick run has no other
        for name, ask in asked.items():
            start = spent_seconds()
            ask()
            spent[name].append(spent_seconds() - start)
    return {
        name: statistics.median(of[1:] or of) * figures.MILLISECONDS for name, of in spent.items()
    }


if __name__ == "__main__":
    figures.report(measure)

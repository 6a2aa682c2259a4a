"""What the directory costs: lists, streams, searches, an import again, *Confidential*.

Each figure stands beside a bare counterpart over the same rows. Times are CPU time of this process
and of the database's. The services are brought in by the import itself, from HSDS files.
"""

import gc
import json
import re
import statistics
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.bench import figures, portal
from tests.bench.deliveries import spent_seconds

SUPPLIER = "bench"
OF_AGENCY, PER_PAGE = 4, 50
# One word in 1,000 services, one in each, two together in every fourth, and a town.
SEARCHES = {
    "rare": {"search": "zephyr"},
    "common": {"search": "community"},
    "two words": {"search": "community winter"},
    "by distance": {"latitude": "46.5", "longitude": "-81.0", "proximity": "5000"},
}
BARE_WORDS = """
WITH hits AS ({hits})
SELECT entry.hsds_id, count(*) OVER () FROM hits
JOIN directory_membership member ON member.entry_id = hits.entry_id AND member.present
JOIN directory_view view ON view.id = member.view_id AND view.name = 'pages'
JOIN directory_entry entry ON entry.id = hits.entry_id AND entry.kind = 'service'
ORDER BY entry.hsds_id LIMIT 50
"""
BARE_WORD = "SELECT DISTINCT entry_id FROM directory_word WHERE word >= %s AND word < %s"
BARE_DISTANCE = """
SELECT entry.hsds_id, count(*) OVER (), min(
  (location.latitude - 46.5) * (location.latitude - 46.5) * 12364300000.0
  + (location.longitude + 81.0) * (location.longitude + 81.0) * 5858700000.0) AS far
FROM directory_location location
JOIN directory_serviceatlocation place ON place.location_id = location.entry_id
JOIN directory_membership member ON member.entry_id = place.service_id AND member.present
JOIN directory_view view ON view.id = member.view_id AND view.name = 'pages'
JOIN directory_entry entry ON entry.id = place.service_id
WHERE location.latitude BETWEEN 46.455 AND 46.545 AND location.longitude BETWEEN -81.066 AND -80.934
GROUP BY entry.hsds_id
HAVING min((location.latitude - 46.5) * (location.latitude - 46.5) * 12364300000.0
  + (location.longitude + 81.0) * (location.longitude + 81.0) * 5858700000.0) <= 25000000
ORDER BY far, entry.hsds_id LIMIT 50
"""


def measure(few: int, some: int, many: int, confidential: int, rounds: int) -> dict[str, Any]:
    """Return the figures over few, some, and many services, as the rows of the aims need them."""
    portal.start()
    make_directory()
    with tempfile.TemporaryDirectory() as folder:
        bench = _Bench(Path(folder), rounds)
        first, again = bench.bring_in(0, few), bench.bring_in(0, few)
        small = bench.peak()
        bench.bring_in(few, some)
        found = {
            "again": again / first,
            "list": bench.list_ratio(),
            "stream": bench.stream_rate(),
            "first_visit": _first_visit(),
        }
        bench.bring_in(some, many)
        large = bench.peak()
        found["memory"] = large / small
        found["search"], found["search_page"] = bench.searches()
        found["statements"] = [_statements(5), _statements(confidential)]
    return found


def make_directory() -> None:
    from directory.models import View
    from tests.directory import make

    for name in View.Name.values:
        View.objects.create(name=name)
    make.directory(languages=["en"])


class _Bench:
    def __init__(self, folder: Path, rounds: int) -> None:
        from django.test import Client, override_settings

        self.folder, self.rounds = folder, rounds
        override_settings(ROOT_URLCONF="tests.bench.urls").enable()
        self.client = Client(headers={"host": "localhost"})

    def bring_in(self, first: int, last: int) -> float:
        """Import the services with these numbers, and build their answers; return the CPU time."""
        from directory.importing.running import Options, run
        from directory.taking_in import take_in

        file = self.folder / f"{first}.ndjson"
        write_services(file, first, last)
        start = spent_seconds()
        report = run(file, SUPPLIER, Options(partial=True))
        spent = spent_seconds() - start
        assert not report.problems, report.problems[:3]
        take_in()
        portal.gather_statistics()
        return spent

    # -- Against bare counterparts -----------------------------------------------------------------

    def list_ratio(self) -> float:
        """Return the CPU time of a page of 50, to that of a view that reads 50 stored texts."""
        paths = "/hsds/3.1/services?per_page=50", "/bare-services"
        ours, bare = (self._median(lambda path=path: self._answer(path)) for path in paths)
        return ours / bare

    def _answer(self, path: str) -> None:
        response = self.client.get(path)
        assert response.status_code == 200, (path, response.status_code)
        assert len(json.loads(response.content)["contents"]) == PER_PAGE

    def stream_rate(self) -> float:
        """Return how fast ndjson is, to `json.dumps` of the same objects."""
        lines = self._stream()
        objects = [json.loads(line) for line in lines.splitlines()]
        ours = self._median(self._stream)
        bare = self._median(lambda: [json.dumps(one) for one in objects])
        return bare / ours

    def _stream(self) -> bytes:
        response: Any = self.client.get("/hsds/3.1/services?format=ndjson")
        return b"".join(response.streaming_content)

    def searches(self) -> tuple[dict[str, float], dict[str, float]]:
        """Return the 95th percentile of each search, to that of the same in bare SQL.

        First of what counts and orders, as the bare SQL does; then of a request with its page.
        """
        alone, whole = {}, {}
        for name, parameters in SEARCHES.items():
            total, bare = self._total(parameters), _bare_total(parameters)
            # A flat earth differs from a round one at the edge of a circle.
            assert abs(total - bare) <= 0.02 * bare * (name == "by distance"), (name, total, bare)
            late = self._late(lambda given=parameters: _bare_total(given))
            whole[name] = self._late(lambda given=parameters: self._total(given)) / late
            search = _search(parameters)
            assert search() == total
            alone[name] = self._late(search) / late
        return alone, whole

    def _total(self, parameters: dict[str, str]) -> int:
        response = self.client.get("/hsds/3.1/services", parameters)
        return int(json.loads(response.content)["total_items"])

    # -- Memory ------------------------------------------------------------------------------------

    def peak(self) -> float:
        """Return the most megabytes that this process has while it streams all services."""
        self._drain()  # what is loaded and cached once is not the list's
        return _peak(self._drain)

    def _drain(self) -> None:
        response: Any = self.client.get("/hsds/3.1/services?format=ndjson")
        for _part in response.streaming_content:
            pass

    # -- Times -------------------------------------------------------------------------------------

    def _median(self, does: Callable[[], Any]) -> float:
        return statistics.median(self._times(does))

    def _late(self, does: Callable[[], Any]) -> float:
        times = sorted(self._times(does))
        return times[min(len(times) - 1, int(0.95 * len(times)))]

    def _times(self, does: Callable[[], Any]) -> Iterator[float]:
        does()
        for _ in range(self.rounds):
            start = spent_seconds()
            does()
            yield spent_seconds() - start


def _peak(does: Callable[[], Any]) -> float:
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")
    does()
    return figures.resident(field="VmHWM")


def _search(parameters: dict[str, str]) -> Callable[[], int]:
    """Return what counts the services that match and reads the keys of the first 50."""
    from core.database import clock
    from directory.listing.filters import Asked, find
    from directory.listing.pages import part_of
    from directory.listing.parameters import OF_LISTS, read
    from directory.models import Directory, Kind
    from directory.views.rules import api_view

    directory, view = Directory.objects.get(), api_view()
    values = read(parameters.items(), OF_LISTS[Kind.SERVICE], directory.languages)
    asked = Asked(Kind.SERVICE, view, directory, values, clock.now())
    return lambda: part_of(find(asked), 0, PER_PAGE)[0]


def _bare_total(parameters: dict[str, str]) -> int:
    """Return how many services there are, and read the page, by the driver alone."""
    from django.db import connection

    words = parameters.get("search", "").split()
    hits = " INTERSECT ".join([BARE_WORD] * len(words))
    sql = BARE_WORDS.format(hits=hits) if words else BARE_DISTANCE
    bounds = [bound for word in words for bound in (word, f"{word}\U0010ffff")]
    with connection.cursor() as cursor:
        cursor.execute(sql, bounds)
        rows = cursor.fetchall()
    return int(rows[0][1]) if rows else 0


def _statements(count: int) -> int:
    """Return how many statements *Confidential* takes at a place with so many services."""
    from django.db import connection, transaction
    from django.test.utils import CaptureQueriesContext

    from directory.editing.confidential import Target, press
    from directory.models import Entry, Kind, Location, Service, ServiceAtLocation
    from directory.taking_in import take_in
    from tests.directory import make

    place = make.location(f"Place of {count}")
    with transaction.atomic():
        services = Service.objects.order_by("pk")[:count]
        entries = Entry.objects.bulk_create(
            Entry(kind=Kind.SERVICE_AT_LOCATION) for _ in range(len(services))
        )
        ServiceAtLocation.objects.bulk_create(
            ServiceAtLocation(entry=entry, service=service, location=place)
            for entry, service in zip(entries, services, strict=True)
        )
    take_in()
    with CaptureQueriesContext(connection) as asked:
        press(Target(Location.objects.get(pk=place.pk).entry), None)
    return len(asked)


def _first_visit() -> dict[str, int]:
    """Return what the search page costs a visitor who comes for the first time."""
    from django.contrib.staticfiles import finders
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as asked:
        html = Client(headers={"host": "localhost"}).get("/directory/").content
    files = re.findall(r'(?:src|href)="/static/([^"#?]+)"', html.decode())
    found = [Path(str(finders.find(re.sub(r"\.[0-9a-f]{12}\.", ".", one)))) for one in set(files)]
    size = len(html) + sum(one.stat().st_size for one in found)
    return {"bytes": size, "requests": 1 + len(found), "queries": len(asked)}


def write_services(file: Path, first: int, last: int) -> None:
    """Write the services with these numbers, one a line."""
    with file.open("w") as lines:
        lines.writelines(f"{json.dumps(one)}\n" for one in _services(first, last))


def _services(first: int, last: int) -> Iterator[dict[str, Any]]:
    """Yield full services with an agency, a place, a phone, and hours each."""
    for number in range(first, last):
        agency = number // OF_AGENCY
        words = "Community help" + (" in winter" if number % 4 == 0 else "")
        rare = " zephyr" if number % 1000 == 0 else ""
        place = {
            "id": f"l{number}",
            "location_type": "physical",
            "name": f"Place {number}",
            "latitude": round(44 + number % 997 / 200, 4),
            "longitude": round(-81 + number % 89 / 100, 4),
        }
        yield {
            "id": f"s{number}",
            "name": f"{words} {number}",
            "description": f"What people need of number {number}.{rare}",
            "status": "active",
            "organization": {
                "id": f"o{agency}",
                "name": f"Agency {agency}",
                "description": f"The agency {agency}.",
            },
            "phones": [{"id": f"p{number}", "number": f"705-{number % 900 + 100:03}-0100"}],
            "schedules": [
                {
                    "id": f"h{number}",
                    "freq": "WEEKLY",
                    "byday": "MO,TU,WE",
                    "opens_at": "09:00-05:00",
                    "closes_at": "17:00-05:00",
                }
            ],
            "service_at_locations": [{"id": f"a{number}", "location": place}],
        }


if __name__ == "__main__":
    figures.report(measure)

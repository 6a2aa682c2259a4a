"""Who may ask, how, and what is refused."""

import io
import json

import pytest

from directory.api import seats
from directory.models import Directory
from tests.directory import make

pytestmark = pytest.mark.usefixtures("directory")
BASE = "/hsds/3.1"
LISTS = ("services", "organizations", "service_at_locations", "taxonomies", "taxonomy_terms")
SOME_ID = "ac148810-d857-441c-9679-408f346de14b"


def named(response):
    """Return the parameters that a refusal names."""
    assert response.status_code == 400, response.content
    assert response["Content-Type"] == "application/problem+json"
    return [error["field"] for error in response.json()["errors"]]


@pytest.mark.parametrize(
    ("path", "query", "wrong"),
    [
        ("services", "colour=red", "colour"),
        ("services", "minimal=true&minimal=true", "minimal"),
        ("services", "page=0", "page"),
        ("services", "page=-1", "page"),
        ("services", "page=1.0", "page"),
        ("services", "page=١", "page"),
        ("services", "page=1234567890", "page"),
        ("services", "per_page=0", "per_page"),
        ("services", "per_page=501", "per_page"),
        ("services", "full=True", "full"),
        ("services", "full=1", "full"),
        ("services", "full=", "full"),
        ("services", "format=xml", "format"),
        ("services", "lang=de", "lang"),
        ("services", "lang=", "lang"),
        ("services", "taxonomy_term_id=food", "taxonomy_term_id"),
        ("services", f"taxonomy_id={{{SOME_ID}}}", "taxonomy_id"),
        ("services", f"organization_id={SOME_ID.replace('-', '')}", "organization_id"),
        ("services", "taxonomy_code=", "taxonomy_code"),
        ("services", "taxonomy_code=%20", "taxonomy_code"),
        ("services", "taxonomy_code=%00", "taxonomy_code"),
        ("services", "modified_after=yesterday", "modified_after"),
        ("services", "modified_after=2026-13-01", "modified_after"),
        ("services", "modified_after=2026-02-30T10:00:00Z", "modified_after"),
        ("services", "modified_after=20260101", "modified_after"),
        ("services", "modified_after=0001-01-01T00:00:00%2B05:00", "modified_after"),
        ("services", "modified_after=9999-12-31T23:59:59-05:00", "modified_after"),
        ("services", "open_at=tomorrow", "open_at"),
        ("services", "open_at=2026-01-01", "open_at"),
        ("services", "open_at=0001-01-01T00:00:00Z", "open_at"),
        ("services", "open_at=9999-12-31T23:59:59Z", "open_at"),
        ("services", "open_at=2020-01-01T10:00:00Z", "open_at"),
        ("services", "spoken_language=french", "spoken_language"),
        ("services", "age=old", "age"),
        ("services", "age=-1", "age"),
        ("services", "age=nan", "age"),
        ("services", "age=1e1", "age"),
        ("services", "postcode=nowhere", "postcode"),
        ("services", "postcode=K9Z9Z9", "postcode"),
        ("services", "proximity=100", "proximity"),
        ("services", "proximity=inf&latitude=1&longitude=1", "proximity"),
        ("services", "proximity=100&postcode=K1A0B1&latitude=1&longitude=1", "proximity"),
        ("services", "latitude=45&longitude=-75", "latitude"),
        ("services", "proximity=100&latitude=45", "longitude"),
        ("services", "proximity=100&latitude=91&longitude=0", "latitude"),
        ("services", "minimal=true&full=true", "minimal"),
        ("services", "minimal=true&format=ndjson", "minimal"),
        ("services", "minimal=true&page=1", "page"),
        ("services", "format=ndjson&per_page=10", "per_page"),
        ("services", "top_only=true", "top_only"),
        ("services", "full_service=true", "full_service"),
        ("organizations", "minimal=true", "minimal"),
        ("organizations", "modified_after=2026-01-01", "modified_after"),
        ("service_at_locations", "minimal=true", "minimal"),
        ("taxonomies", f"taxonomy_id={SOME_ID}", "taxonomy_id"),
        ("taxonomy_terms", "parent_id=none", "parent_id"),
        ("taxonomy_terms", "top_only=yes", "top_only"),
        (f"services/{SOME_ID}", "search=food", "search"),
        ("", "page=1", "page"),
        ("openapi.json", "full=true", "full"),
    ],
)
def test_a_parameter_is_never_ignored(client, path, query, wrong):
    assert wrong in named(client.get(f"{BASE}/{path}?{query}"))


@pytest.mark.parametrize("path", LISTS)
def test_a_well_formed_question_for_nothing_is_an_empty_page(client, path):
    make.service("Food bank")
    found = client.get(f"{BASE}/{path}?search=zzz").json()
    assert found == {
        "total_items": 0,
        "total_pages": 0,
        "page_number": 1,
        "size": 0,
        "first_page": True,
        "last_page": True,
        "empty": True,
        "contents": [],
    }
    assert client.get(f"{BASE}/{path}?search=zzz&page=2").status_code == 404


@pytest.mark.parametrize(
    "name", ["taxonomy_term_id", "taxonomy_id", "organization_id", "taxonomy_code"]
)
def test_an_id_that_names_nothing_gives_an_empty_page(client, name):
    make.service()
    assert client.get(f"{BASE}/services?{name}={SOME_ID}").json()["empty"] is True


def test_an_empty_search_is_none(client):
    make.service()
    for query in ("search=", "search=%20", "search=-%20!"):
        assert client.get(f"{BASE}/services?{query}").json()["total_items"] == 1


@pytest.mark.parametrize("path", [f"services/{SOME_ID}", "services/1", "services/", "locations"])
def test_what_is_not_there_is_not_found(client, path):
    response = client.get(f"{BASE}/{path}")
    assert response.status_code == 404
    assert response["Content-Type"] == "application/problem+json"


class TestMethods:
    @pytest.mark.parametrize("path", LISTS)
    def test_a_post_is_the_same_query(self, client, path):
        make.service("Food bank")
        make.attribute(make.service("Shelter"), make.term())
        asked = {"search": "food", "per_page": 1, "extras": True}
        query = {"search": "food", "per_page": "1", "extras": "true"}
        expected = client.get(f"{BASE}/{path}", query).json()
        as_json = client.post(f"{BASE}/{path}", asked, "application/json")
        as_form = client.post(f"{BASE}/{path}", query)
        in_query = client.post(f"{BASE}/{path}?search=food&per_page=1&extras=true")
        mixed = client.post(
            f"{BASE}/{path}?per_page=1", {"search": "food", "extras": True}, "application/json"
        )
        for response in (as_json, as_form, in_query, mixed):
            assert (response.status_code, response.json()) == (200, expected)
            assert "ETag" not in response

    @pytest.mark.parametrize(
        ("body", "wrong"),
        [
            ('{"search": "a", "search": "b"}', ["search"]),
            ('{"colour": "red"}', ["colour"]),
            ('{"full": null}', ["full"]),
            ('{"full": 1}', ["full"]),
            ('{"page": 1.5}', ["page"]),
            ('{"page": NaN}', ["page"]),
            ('{"search": ["a"]}', ["search"]),
            ('{"taxonomy_code": "\\ud800"}', ["taxonomy_code"]),
        ],
    )
    def test_a_body_is_read_as_strictly(self, client, body, wrong):
        assert named(client.post(f"{BASE}/services", body, "application/json")) == wrong

    def test_one_parameter_in_query_and_body_is_given_twice(self, client):
        response = client.post(f"{BASE}/services?search=a", {"search": "b"}, "application/json")
        assert named(response) == ["search"]

    @pytest.mark.parametrize(
        ("body", "content_type", "status"),
        [
            ("[1]", "application/json", 400),
            ("{", "application/json", 400),
            ("[" * 100_000, "application/json", 400),
            ("x", "multipart/form-data", 400),
            ("search=%E9", "application/x-www-form-urlencoded; charset=latin-1", 400),
            ("<a/>", "text/xml", 415),
            (" " * 200_000, "application/json", 413),
        ],
    )
    def test_a_body_that_holds_no_parameters_is_refused(self, client, body, content_type, status):
        response = client.post(f"{BASE}/services", body, content_type)
        assert response.status_code == status
        assert response["Content-Type"] == "application/problem+json"

    def test_a_file_is_no_parameter(self, client):
        for name in ("search", "colour"):
            response = client.post(f"{BASE}/services", {name: io.BytesIO(b"food")})
            assert named(response) == [name]

    def test_more_parameters_than_are_read_are_refused(self, client):
        response = client.get(f"{BASE}/services?{'page=1&' * 2000}")
        assert response.status_code == 400
        assert response["Content-Type"] == "application/problem+json"

    def test_more_words_than_a_search_takes_are_refused(self, client):
        make.service(" ".join(f"w{number}" for number in range(100)))
        many = [f"w{number}" for number in range(5_000)]
        for search, total in ((many[:100], 1), (many[1:101], 0)):
            response = client.post(f"{BASE}/services", {"search": " ".join(search)})
            assert response.json()["total_items"] == total
        assert named(client.post(f"{BASE}/services", {"search": " ".join(many)})) == ["search"]

    def test_head_is_as_get(self, client):
        make.service()
        got, head = client.get(f"{BASE}/services"), client.head(f"{BASE}/services")
        assert (head.status_code, head.content) == (200, b"")
        assert head["ETag"] == got["ETag"]

    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("put", "services"),
            ("delete", "services"),
            ("patch", ""),
            ("post", f"services/{SOME_ID}"),
            ("post", "openapi.json"),
        ],
    )
    def test_other_methods_are_refused(self, client, method, path):
        response = getattr(client, method)(f"{BASE}/{path}")
        assert response.status_code == 405
        assert "GET" in response["Allow"]

    def test_options_are_for_other_origins(self, client):
        response = client.options(f"{BASE}/services")
        assert response.status_code == 204
        assert response["Access-Control-Allow-Origin"] == "*"
        assert "POST" in response["Access-Control-Allow-Methods"]


class TestWhoAsks:
    @pytest.mark.parametrize("public", ["false", "pages"])
    def test_without_a_token_only_a_public_directory_answers(self, client, public):
        Directory.objects.update(public=public)
        response = client.get(f"{BASE}/services")
        assert response.status_code == 401
        assert response["WWW-Authenticate"].startswith("Bearer")
        for path in ("", "/openapi.json", "/profile"):
            assert client.get(f"{BASE}{path}").status_code == 200

    @pytest.mark.parametrize("path", ["", "services", "openapi.json", "nothing"])
    def test_an_unknown_token_is_refused_everywhere(self, client, path):
        response = client.get(f"{BASE}/{path}", headers={"Authorization": "Bearer abc"})
        assert response.status_code == 401
        assert "Access-Control-Allow-Origin" not in response
        assert "private" in response["Cache-Control"]


class TestLanguage:
    @pytest.fixture(autouse=True)
    def bilingual(self, directory):
        make.service({"en": "Food bank", "fr": "Banque alimentaire"})
        make.service({"fr": "Refuge"})

    def names(self, client, query="", **headers):
        response = client.get(f"{BASE}/services{query}", headers=headers)
        assert {"Accept-Language", "Authorization"} <= set(response["Vary"].split(", "))
        return response["Content-Language"], {one["name"] for one in response.json()["contents"]}

    def test_lang_comes_before_what_the_reader_accepts(self, client):
        french = ("fr", {"Banque alimentaire", "Refuge"})
        assert self.names(client) == ("en", {"Food bank", "Refuge"})
        assert self.names(client, "?lang=fr") == french
        assert self.names(client, "?lang=fr", **{"Accept-Language": "en"}) == french
        assert self.names(client, **{"Accept-Language": "fr"}) == french

    @pytest.mark.parametrize(
        ("accepted", "language"),
        [
            ("fr-CA,fr;q=0.9,en;q=0.8", "fr"),
            ("en;q=0.5,fr", "fr"),
            ("de,fr;q=0.1", "fr"),
            ("de", "en"),
            ("*", "en"),
            ("fr;q=0,en", "en"),
            ("FR", "fr"),
            ("x" * 5000, "en"),
        ],
    )
    def test_what_the_reader_accepts(self, client, accepted, language):
        assert self.names(client, **{"Accept-Language": accepted})[0] == language


class TestETag:
    def test_what_has_not_changed_is_not_sent_again(self, client):
        service = make.service()
        for path in (
            "/services",
            f"/services/{service.entry.hsds_id}",
            "/services?minimal=true",
            "/services?full=true&extras=true",
            "/organizations?full_service=true",
            "",
            "/openapi.json",
            "/profile",
        ):
            first = client.get(f"{BASE}{path}")
            second = client.get(f"{BASE}{path}", headers={"If-None-Match": first["ETag"]})
            assert (second.status_code, second.content) == (304, b""), path
            assert second["ETag"] == first["ETag"]
            assert second["Cache-Control"] == "no-cache"

    def test_each_change_and_each_question_has_an_etag_of_its_own(self, client):
        from tests.directory.stored import change

        service = make.service(organization=make.agency())
        make.at(service, make.location())
        seen = set()
        for name in ("Food", "Pantry"):
            change(service, name={"en": name})
            for query in ("", "?lang=fr", "?per_page=1", "?full=true", "?extras=true"):
                for path in ("services", "service_at_locations"):
                    seen.add(client.get(f"{BASE}/{path}{query}")["ETag"])
        assert len(seen) == 2 * 5 * 2

    def test_no_body_is_written_for_what_has_not_changed(self, client, monkeypatch):
        make.service()
        etag = client.get(f"{BASE}/services")["ETag"]
        from directory.listing import pages

        monkeypatch.setattr(pages, "texts", None)
        response = client.get(f"{BASE}/services", headers={"If-None-Match": etag})
        assert response.status_code == 304

    @pytest.mark.parametrize(
        ("names", "status"),
        [
            ('"other", W/{etag}', 304),
            ("{etag}", 304),
            ("*", 304),
            ('"other"', 200),
            ("no etag", 200),
        ],
    )
    def test_one_of_several_is_enough(self, client, names, status):
        make.service()
        etag = client.get(f"{BASE}/services")["ETag"]
        asked = {"If-None-Match": names.format(etag=etag)}
        assert client.get(f"{BASE}/services", headers=asked).status_code == status
        assert client.head(f"{BASE}/services", headers=asked).status_code == status
        assert client.post(f"{BASE}/services", headers=asked).status_code == 200

    def test_a_zipped_answer_is_not_sent_again_either(self, client):
        for _ in range(5):
            make.service()
        zipped = {"Accept-Encoding": "gzip"}
        first = client.get(f"{BASE}/services", headers=zipped)
        assert first["Content-Encoding"] == "gzip"
        again = client.get(f"{BASE}/services", headers=zipped | {"If-None-Match": first["ETag"]})
        assert again.status_code == 304


class TestSeats:
    def test_more_at_once_than_a_process_serves_are_sent_away(self, client):
        taken = [seats.requests.take() for _ in range(seats.REQUESTS)]
        response = client.get(f"{BASE}/services")
        assert (response.status_code, response["Retry-After"]) == (429, "1")
        taken.pop().leave()
        assert client.get(f"{BASE}/services").status_code == 200
        assert client.get(f"{BASE}/services?page=0").status_code == 400
        for seat in taken:
            seat.leave()

    def test_a_stream_keeps_its_seat_until_it_ends(self, client):
        make.service()
        streams = [client.get(f"{BASE}/services?format=ndjson") for _ in range(seats.STREAMS)]
        assert [response.status_code for response in streams] == [200, 200]
        assert client.get(f"{BASE}/services?format=ndjson").status_code == 429
        assert client.get(f"{BASE}/services").status_code == 200
        for response in streams:
            assert len(list(response)) == 1
        assert client.get(f"{BASE}/services?format=ndjson").status_code == 200


def test_ndjson_is_one_item_a_line(client):
    for _ in range(3):
        make.service()
    response = client.get(f"{BASE}/services?format=ndjson")
    assert response["Content-Type"] == "application/x-ndjson"
    assert "ETag" not in response
    items = [json.loads(line) for line in b"".join(response).splitlines()]
    expected = client.get(f"{BASE}/services?full=true").json()["contents"]
    assert items == expected


def test_minimal_is_everything_on_one_page(client):
    for _ in range(60):
        make.service()
    found = client.get(f"{BASE}/services?minimal=true").json()
    assert (found["total_items"], found["size"], found["total_pages"]) == (60, 60, 1)
    assert all(item.keys() == {"id", "last_modified"} for item in found["contents"])
    whole = client.get(f"{BASE}/services?per_page=500").json()["contents"]
    assert found["contents"] == [
        {"id": item["id"], "last_modified": item["last_modified"]} for item in whole
    ]


@pytest.mark.parametrize("per_page", [1, 7, 100])
def test_pages_of_any_size_hold_the_same_in_order(client, per_page):
    for _ in range(20):
        make.service()
    ids, number, last = [], 0, False
    while not last:
        number += 1
        query = {"page": number, "per_page": per_page}
        page = client.get(f"{BASE}/services", query).json()
        ids += [item["id"] for item in page["contents"]]
        last = page["last_page"]
        assert page["first_page"] == (number == 1)
        assert page["total_pages"] == -(-20 // per_page)
    assert ids == sorted(ids)
    assert len(set(ids)) == 20
    past = client.get(f"{BASE}/services", {"page": number + 1, "per_page": per_page})
    assert past.status_code == 404


def test_words_and_values_reach_no_log(client, caplog, capsys):
    make.service()
    secret = "xyzzyplugh"
    client.get(f"{BASE}/services?search={secret}")
    client.post(f"{BASE}/services", {"search": secret, "colour": secret}, "application/json")
    client.post(f"{BASE}/services", {"search": secret})
    logged = caplog.text + "".join(capsys.readouterr())
    assert secret not in logged

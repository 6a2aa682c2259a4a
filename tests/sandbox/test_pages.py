"""The inbox as a person sees it, and what it must never do with what it was sent."""

import pytest

from sandbox import running_sandbox
from sandbox.rules.faults import MODES
from tests.sandbox.sender import Sender, body, changed

HOSTILE = "<script>alert(1)</script>\"'&"
ESCAPED = "&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#x27;&amp;"
PDF = b"%PDF-1.7 a summary"


def test_an_empty_inbox_shows_it(sender):
    page = sender.get("/")
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "Nothing has arrived yet" in page.text


def test_the_inbox_shows_the_newest_first(sender):
    sender.created(first_name="Earlier")
    sender.create({**body(first_name="Later"), "external_reference": "2"})
    page = sender.get("/").text
    assert page.index("Later Ann Tremblay-Okafor") < page.index("Earlier Ann Tremblay-Okafor")
    assert "2 referrals" in page
    assert "Adult Counselling - Milltown" in page


def test_the_help_names_every_mode(sender):
    page = sender.get("/").text
    assert not [mode for mode in MODES if f"<code>{mode}</code>" not in page]


def test_a_referral_shows_all_that_was_sent(sender):
    content = {**body(), "colour": "green"}
    page = sender.get(f"/referrals/{sender.create(content).json()['id']}").text
    values = [content["program"], content["referral_note"], "green"]
    for group in ("client", "requester", "appointment"):
        values += map(str, content[group].values())
    assert not [value for value in values if value not in page]


def test_the_summary_is_embedded_and_files_can_be_saved(sender):
    referral_id = sender.created()
    file_id = sender.attach(referral_id, PDF).json()["id"]
    page = sender.get(f"/referrals/{referral_id}").text
    assert f'<iframe src="/files/{file_id}#' in page
    assert f'href="/files/{file_id}/download"' in page


@pytest.mark.parametrize("path", ["/referrals/RF-1", "/files/AT-1", "/files/AT-1/download"])
def test_what_is_not_there_is_not_found(sender, path):
    answer = sender.get(path)
    assert (answer.status_code, "There is no such" in answer.text) == (404, True)


def test_a_referral_of_an_earlier_run_gives_the_reason_it_is_bare(tmp_path):
    for _ in range(2):
        with running_sandbox(ledger=tmp_path / "ledger") as sandbox:
            sender = Sender(sandbox.url)
            referral_id = sender.create(key="k").json()["id"]
            file_id = sender.attach(referral_id, key="f").json()["id"]
            page = sender.get(f"/referrals/{referral_id}").text
            status = sender.get(f"/files/{file_id}").status_code
    assert "read back from the ledger" in page
    assert "/download" not in page
    assert status == 404


# -- Hostile content -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "key",
    [
        *("client.first_name", "client.city", "program", "source", "external_reference"),
        *("referral_note", "requester.organization", "appointment.location", "unexpected"),
    ],
)
def test_markup_is_shown_as_text(sender, key):
    referral_id = sender.create(changed(key, HOSTILE)).json()["id"]
    pages = sender.get("/").text + sender.get(f"/referrals/{referral_id}").text
    assert ESCAPED in pages
    assert "<script" not in pages


def test_markup_in_the_names_of_unknown_fields_and_files_is_shown_as_text(sender):
    referral_id = sender.create({**body(), HOSTILE: HOSTILE}).json()["id"]
    sender.attach(referral_id, name="<img src=x>.pdf")
    page = sender.get(f"/referrals/{referral_id}").text
    assert "&lt;img src=x&gt;.pdf" in page
    assert "<script" not in page


@pytest.mark.parametrize("path", ["/", "/referrals/RF-1", "/style.css", "/icon.svg"])
def test_pages_run_no_script_and_are_not_framed(sender, path):
    headers = sender.get(path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    if path not in ("/style.css", "/icon.svg"):
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy


def test_pages_have_no_style_or_script_of_their_own(sender):
    referral_id = sender.created()
    pages = sender.get("/").text + sender.get(f"/referrals/{referral_id}").text
    assert not [word for word in ("<style", "style=", "<script", "onclick") if word in pages]


@pytest.mark.parametrize(
    ("content", "shown_as"),
    [
        (PDF, "application/pdf"),
        (b"\x89PNG\r\n\x1a\n...", "image/png"),
        (b"\xff\xd8\xff\xe0...", "image/jpeg"),
    ],
)
def test_pdf_and_images_are_shown_in_the_browser(sender, content, shown_as):
    file_id = sender.attach(sender.created(), content, name="any.bin").json()["id"]
    headers = sender.get(f"/files/{file_id}").headers
    assert headers["Content-Type"] == shown_as
    assert headers["Content-Disposition"].startswith("inline")
    saved = sender.get(f"/files/{file_id}/download").headers
    assert saved["Content-Disposition"].startswith("attachment")


@pytest.mark.parametrize(
    "content", [b"<html><script>alert(1)</script>", b"<svg onload=alert(1)>", b"PK\x03\x04"]
)
def test_everything_else_is_only_saved_whatever_its_name_states(sender, content):
    file_id = sender.attach(sender.created(), content, name="page.pdf").json()["id"]
    headers = sender.get(f"/files/{file_id}").headers
    assert headers["Content-Type"] == "application/octet-stream"
    assert headers["Content-Disposition"].startswith("attachment")


@pytest.mark.parametrize("name", ['a"; filename="b.pdf', "é\u202egpj.pdf", "a\r\nX-Evil: 1.pdf"])
def test_a_file_name_cannot_break_out_of_its_header(sender, name):
    file_id = sender.attach(sender.created(), PDF, name=name).json()["id"]
    headers = sender.get(f"/files/{file_id}/download").headers
    assert headers["Content-Disposition"].startswith("attachment; filename")
    assert "X-Evil" not in headers


# -- In a browser ----------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_runs_off_the_page(sender, page, width):
    name = "Étienne-François Beauchêne-Desrosiers-de-la-Vérendrye-Courtemanche"
    content = {**body(first_name=name, city="x" * 100), "referral_note": "x" * 5_000}
    referral_id = sender.create(content).json()["id"]
    sender.attach(referral_id, b"x", name="x" * 200)
    page.set_viewport_size({"width": width, "height": 800})
    for path in ("/", f"/referrals/{referral_id}"):
        page.goto(sender.url + path)
        assert page.evaluate("document.documentElement.scrollWidth") == width


def test_the_stylesheet_is_applied_in_both_schemes_without_complaint(sender, page):
    complaints = []
    page.on("console", lambda line: complaints.append(line.text))
    colours = set()
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.goto(f"{sender.url}/")
        colours.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert (len(colours), complaints) == (2, [])

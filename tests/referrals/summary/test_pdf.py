import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from integrations import sources
from mapping.source.document import Document
from mapping.source.parts import leaves
from referrals.summary import pdf
from referrals.summary.pdf import SummaryContext
from referrals.summary.rendering import fonts
from referrals.summary.rendering.pool import Limits, Pool, RenderingFailed
from tests.everything import EVERYTHING, OUR_NAMES, internal_texts
from tests.strategies import documents, tokens_of

ROOT = Path(__file__).resolve().parents[3]
FULL = ROOT / "tests" / "fixtures" / "documents" / "full.json"
CONTEXT = SummaryContext(
    "Birchwood Community Mental Health", "Adult Counselling - Milltown", "America/Toronto"
)


@pytest.fixture
def full() -> Document:
    return json.loads(FULL.read_text())


@pytest.fixture
def no_renderer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rendering fails, as it does when a renderer is killed."""

    def fail(*_: object) -> bytes:
        raise RenderingFailed("renderer ended")

    monkeypatch.setattr(Pool, "render", fail)


class Visible(HTMLParser):
    """Collects what a reader sees, and the tags that are there."""

    def __init__(self) -> None:
        super().__init__()
        self.text, self.tags = "", set()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.text += data + " "


def visible(document: Document) -> Visible:
    page = Visible()
    page.feed(pdf.html(document, CONTEXT))
    return page


def words(text: str) -> str:
    """Return a text without what setting adds: marks, and the kinds and number of spaces."""
    return " ".join(re.sub("[\u200b\u200e]", "", text).split())


def html_text(document: Document) -> str:
    return words(visible(document).text)


def pdf_text(content: bytes) -> str:
    return words("\n".join(page.extract_text() for page in PdfReader(BytesIO(content)).pages))


def embedded_fonts(content: bytes) -> set[str]:
    found = set()
    for page in PdfReader(BytesIO(content)).pages:
        for font in page["/Resources"]["/Font"].get_object().values():
            found.add(str(font.get_object()["/BaseFont"]).split("+")[-1])
    return found


# -- What it says ----------------------------------------------------------------------------------


def test_the_full_example_fills_two_letter_pages(full: Document) -> None:
    rendered = pdf.pdf(full, CONTEXT)

    pages = PdfReader(BytesIO(rendered.content)).pages
    assert not rendered.plain
    assert len(pages) == 2
    assert [float(side) for side in pages[0].mediabox[2:]] == [612, 792]


@pytest.mark.parametrize(
    ("name", "file", "pages"),
    [
        ("fhir", "examples/fhir-full-referral.json", 2),
        ("plain", "examples/event-plain.json", 2),
        ("fhir", "samples/caredove-notify-update-appointment.json", 1),
    ],
)
def test_an_event_as_caredove_sends_it_makes_few_pages(name: str, file: str, pages: int) -> None:
    event = sources.endpoint("caredove", name).reader.parse(
        (ROOT / "tests" / "fixtures" / file).read_bytes()
    )

    rendered = pdf.pdf(event.document, CONTEXT)

    assert len(PdfReader(BytesIO(rendered.content)).pages) == pages


def test_sections_come_in_the_order_in_which_intake_staff_read(full: Document) -> None:
    text = pdf_text(pdf.pdf(full, CONTEXT).content)

    headings = [
        "Birchwood Community Mental Health Adult Counselling - Milltown",
        "Reference 3502768696",
        "Mireille Ann Tremblay-Okafor",
        "Born June 29, 1991",
        "Status Booked Ready",
        "Registrant Last name",
        "Other contacts Sibling Daniel Okafor 705-555-0190",
        "Referral Reason Anxiety and low mood since January",
        "Appointment Starts",
        "Requester Name Harleen Singh",
        "Referral form",
        "Notes",
        "Messages Noor Haddad (provider)",
        "Attachments Intake letter 1. intake-letter.pdf",
        "Caredove records",
    ]
    places = [text.find(heading) for heading in headings]
    assert -1 not in places, dict(zip(headings, places, strict=True))
    assert places == sorted(places)


def test_every_page_states_whose_it_is_and_that_it_is_confidential(full: Document) -> None:
    pages = PdfReader(BytesIO(pdf.pdf(full, CONTEXT).content)).pages

    for number, page in enumerate(pages, start=1):
        text = words(page.extract_text())
        assert "Confidential" in text
        assert f"Page {number} of 2" in text
        assert "Mireille Ann Tremblay-Okafor" in text
        assert "June 29, 1991" in text
        assert "3502768696" in text


def test_times_are_those_of_the_organization(full: Document) -> None:
    there = SummaryContext("A", "B", "America/Edmonton")

    assert "March 19, 2026, 2:30 p.m. EDT" in html_text(full)
    assert "March 19, 2026, 12:30 p.m. MDT" in words(pdf.html(full, there))


def test_permission_to_contact_is_stated_and_refusal_stands_out(full: Document) -> None:
    page = pdf.html(full, CONTEXT)

    assert "may be texted" in page
    assert '<strong class="caution">Do not e-mail</strong>' in page


def test_a_cancelled_appointment_shows_it(full: Document) -> None:
    full["appointment"]["status"] = "cancelled"

    text = html_text(full)

    assert "Status Cancelled Does not take place" in text
    assert "2:30 p.m. EDT Cancelled" in text


def test_what_is_not_a_date_is_shown_as_it_came() -> None:
    text = html_text({"submitted_at": "last week", "registrant": {"date_of_birth": "1991-13-01"}})

    assert "last week" in text
    assert "1991-13-01" in text


def test_empty_shells_leave_no_blank_lines() -> None:
    shells: Document = {
        "reference": "1",
        "registrant": {
            "addresses": [{"use": "home"}],
            "identifiers": [{"type": "JHN", "system": "urn:x"}],
            "phones": [{"use": "home", "rank": 1}],
        },
        "form_answers": [{"label": "Allergies", "value": " "}],
        "notes": [{}],
        "appointment": {},
    }

    text = html_text(shells)

    for absent in ("Registrant", "address", "health number", "Allergies", "Notes", "Appointment"):
        assert absent not in text


def test_keys_outside_the_contract_are_not_printed(full: Document) -> None:
    full["launch_url"] = "https://caredove.example/sso?token=secret"
    full["registrant"]["internal_note"] = "difficult"

    page = pdf.html(full, CONTEXT)

    assert "secret" not in page
    assert "difficult" not in page


def test_forms_have_a_section_each_and_are_distinguished() -> None:
    answers = [
        ("qr-7", "Formulaire d’accueil", "Allergies", "Pénicilline"),
        ("qr-8", "", "Allergies", "Latex"),
        ("qr-9", "Call", "Allergies", "none"),
        ("qr-10", "Call", "Allergies", "dust"),
    ]
    text = html_text(
        {
            "form_answers": [
                {"form": form, "form_name": name, "key": "1", "label": label, "value": value}
                for form, name, label, value in answers
            ]
        }
    )
    assert (
        "Formulaire d’accueil Allergies Pénicilline Form 2 Allergies Latex "
        "Call Allergies none Call (2) Allergies dust"
    ) in text


def test_what_no_part_takes_stands_last_before_the_small_print() -> None:
    text = html_text(EVERYTHING)

    assert (
        "Could not be read Date of birth 03/04/1991 It can be read as two dates: "
        "correct it in Caredove. "
        "Also sent Registrant: General practitioner Dr. A. Osei "
        "Allergy Penicillin, severe rash (2019) "
        "Caredove records"
    ) in text


def test_instants_in_a_text_are_in_the_organizations_zone() -> None:
    visit = {"key": "a", "group": "Other appointment", "text": "Booked (2026-04-01T14:00:00Z)"}

    text = html_text({"also_sent": [visit]})

    assert "Other appointment Booked (April 1, 2026, 10 a.m. EDT)" in text


def test_what_is_former_shows_it() -> None:
    text = html_text(EVERYTHING)

    assert "Home address 9 Pine Rd Hearst former" in text
    assert "Work phone 705-555-0100 former" in text
    assert "old@example.org former" in text


def test_a_withdrawn_request_stands_out(full: Document) -> None:
    for status, shown in (("revoked", "revoked"), ("entered-in-error", "entered in error")):
        full["request_status"] = status
        caution = f'<div class="caution">Request {shown}</div>'
        assert caution in pdf.html(full, CONTEXT)
    full["request_status"] = "active"
    assert "Request Active" in html_text(full)
    assert "Request active" not in html_text(full)


def test_the_small_print_holds_only_ids_that_caredove_knows() -> None:
    text = html_text(EVERYTHING)

    assert (
        "Caredove records Organization Birchwood Community Mental Health (812) "
        "Service listing Adult Counselling - Milltown (4417) "
        "Caredove Inc. b5f1d1b2-4c0e-4b0c-9a52-3f8f5b6a7c10 Appointment 1076646"
    ) in text
    assert "Communication/m-1" not in text
    assert not [word for word in internal_texts(EVERYTHING) | OUR_NAMES if word in text]


@given(documents(internal=True))
def test_no_key_slot_or_path_is_ever_shown(document: Document) -> None:
    text = visible(document).text
    assert not [word for word in internal_texts(document) | OUR_NAMES if word in text]


@pytest.mark.usefixtures("no_renderer")
def test_the_plain_fallback_states_all_of_it_too() -> None:
    text = pdf_text(pdf.pdf(EVERYTHING, CONTEXT).content)

    for wanted_text in (
        "COULD NOT BE READ",
        "03/04/1991 / It can be read as two dates",
        "ALSO SENT",
        "Registrant: General practitioner",
        "Penicillin, severe rash (2019)",
        "INTAKE",
        "CALL",
        "Request entered in error",
    ):
        assert wanted_text in text, wanted_text


# -- Nothing is lost -------------------------------------------------------------------------------

MAIN_KEYS = {
    "also_sent": "text",
    "identifiers": "value",
    "form_answers": "value",
    "phones": "number",
    "emails": "address",
}


def to_be_shown(document: Document) -> set[str]:
    """The tokens of what the document says and of the labels for people, but no keys."""
    filled = without_shells(document)
    labelled = [*filled.get("form_answers", []), *filled.get("also_sent", [])]
    labels = [part.get(name, "") for part in labelled for name in ("label", "group")]
    return tokens_of([value for _, value in leaves(filled)] + labels)


def lost(document: Document, rendered: pdf.Summary) -> list[str]:
    """Return the tokens that are not in the PDF; a line may end within a word that is too long."""
    text = "".join(pdf_text(rendered.content).split())
    return [token for token in to_be_shown(document) if token not in text]


def without_shells(part, key=""):
    """Drop the parts that say nothing without the value they lack."""
    if isinstance(part, dict):
        return {name: without_shells(value, name) for name, value in part.items()}
    if isinstance(part, list):
        return [without_shells(value) for value in part if not is_shell(key, value)]
    return part


def is_shell(key: str, part) -> bool:
    if key == "addresses":
        return not any(tokens_of(v) for k, v in part.items() if k not in ("use", "slot"))
    return (
        isinstance(part, dict) and key in MAIN_KEYS and not tokens_of(part.get(MAIN_KEYS[key], ""))
    )


@given(documents(tokens=True, typed=False))
def test_every_text_of_a_document_is_in_the_page(document: Document) -> None:
    assert to_be_shown(document) <= tokens_of(html_text(document))


@given(documents(typed=True))
def test_text_is_shown_letter_by_letter_or_as_its_code_points(document: Document) -> None:
    missing = fonts.choose(json.dumps(document, ensure_ascii=False)).missing
    answers = [answer.get("value", "") for answer in document.get("form_answers", [])]
    text = "".join(html_text(document).split())

    for answer in answers:
        for piece in re.findall(r"\w+", answer):
            shown = "".join(f"[U+{ord(c):04X}]" if c in missing else c for c in piece)
            assert shown in text


@settings(max_examples=8)
@given(documents(tokens=True))
def test_every_text_of_a_document_is_in_the_pdf(document: Document) -> None:
    rendered = pdf.pdf(document, CONTEXT)

    assert not rendered.plain
    assert lost(document, rendered) == []


@pytest.mark.long
@settings(max_examples=8)
@given(documents(tokens=True))
def test_every_text_of_a_document_is_in_the_plain_fallback(document: Document) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pdf, "MAX_HTML", 0)
        rendered = pdf.pdf(document, CONTEXT)

    assert rendered.plain
    assert lost(document, rendered) == []


# -- Every script, our own fonts -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("François Lœuf", "Liberation-Sans"),
        ("Tłı̨chǫ Ɂetsʼı̨ʔą́", "Noto-Sans"),
        ("ᐃᓄᒃᑎᑐᑦ ᓀᐦᐃᔭᐍᐏᐣ", "Noto-Sans-Canadian-Aboriginal"),
        ("عبد الرحمن", "Noto-Sans-Arabic"),
        ("שלום", "Noto-Sans-Hebrew"),
        ("李小龍 김 さくら", "Noto-Sans-CJK-JP"),
        ("ਗੁਰਪ੍ਰੀਤ", "Noto-Sans-Gurmukhi"),
        ("முருகன்", "Noto-Sans-Tamil"),
        ("ሰላም", "Noto-Sans-Ethiopic"),
    ],
)
def test_a_name_in_any_script_is_set_in_a_font_of_ours(name: str, family: str) -> None:
    rendered = pdf.pdf({"notes": [{"text": name}]}, CONTEXT)

    embedded = embedded_fonts(rendered.content)
    assert not rendered.plain
    assert not rendered.missing_glyphs
    assert family in embedded
    assert embedded <= {"Liberation-Sans", "Liberation-Sans-Bold", "Noto-Sans", family}


def test_a_font_read_for_an_earlier_referral_changes_nothing_in_a_later_one(
    full: Document,
) -> None:
    pool = Pool(1)
    page = pdf.html(full, CONTEXT)

    first = pool.render(page, ("Liberation Sans",))
    pool.render("<html lang=en><title>-</title>李小龍", ("Liberation Sans", "Noto Sans CJK JP"))

    assert pool.render(page, ("Liberation Sans",)) == first
    pool.close()


def test_glyphs_that_no_font_has_are_reported_and_never_boxed() -> None:
    rendered = pdf.pdf({"reason": "Glad 😀 to meet you"}, CONTEXT)

    text = pdf_text(rendered.content)
    assert rendered.missing_glyphs == ("U+1F600 grinning face",)
    assert "Glad [U+1F600] to meet you" in text
    assert "No font here has these characters" in text
    assert "U+1F600 grinning face" in text


def test_right_to_left_names_are_set_from_the_right() -> None:
    page = pdf.html({"registrant": {"last_name": "عبد الرحمن"}}, CONTEXT)

    assert '<div class="value rtl phrase">عبد الرحمن</div>' in page


# -- For screen readers ----------------------------------------------------------------------------


def test_the_pdf_is_tagged_and_states_its_language_and_title(full: Document) -> None:
    reader = PdfReader(BytesIO(pdf.pdf(full, CONTEXT).content))
    catalogue = reader.trailer["/Root"]

    assert catalogue["/Lang"] == "en-CA"
    assert catalogue["/MarkInfo"]["/Marked"]
    assert catalogue["/ViewerPreferences"]["/DisplayDocTitle"]
    assert reader.metadata.title == "Referral Summary 3502768696"
    assert b"pdfuaid" in catalogue["/Metadata"].get_data()


def test_the_title_of_the_file_holds_no_personal_data(full: Document) -> None:
    metadata = PdfReader(BytesIO(pdf.pdf(full, CONTEXT).content)).metadata

    assert "Mireille" not in str(metadata)


# -- The same again --------------------------------------------------------------------------------


@pytest.mark.slow
def test_two_processes_make_the_same_bytes(full: Document) -> None:
    one, other = Pool(1), Pool(1)
    page = pdf.html(full, CONTEXT)

    assert one.render(page, ("Liberation Sans",)) == other.render(page, ("Liberation Sans",))
    one.close()
    other.close()


@pytest.mark.usefixtures("no_renderer")
def test_the_plain_fallback_makes_the_same_bytes_again(full: Document) -> None:
    assert pdf.pdf(full, CONTEXT).content == pdf.pdf(full, CONTEXT).content


def test_a_fingerprint_changes_with_document_context_and_template(
    full: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    prints = [pdf.fingerprint(full, CONTEXT), pdf.fingerprint(full, CONTEXT)]
    assert prints[0] == prints[1]

    prints.append(pdf.fingerprint(full | {"reason": "Other"}, CONTEXT))
    prints.append(pdf.fingerprint(full, SummaryContext("A", "B", "UTC")))
    monkeypatch.setattr(pdf, "_template_version", lambda: "another")
    prints.append(pdf.fingerprint(full, CONTEXT))
    assert len(set(prints)) == 4


@pytest.mark.programs
def test_a_fingerprint_is_the_same_in_another_process(full: Document) -> None:
    program = (
        "import django, json, sys; django.setup();"
        "from referrals.summary.pdf import *;"
        "print(fingerprint(json.load(sys.stdin), SummaryContext('A', 'B', 'UTC')))"
    )
    other = subprocess.run(
        [sys.executable, "-c", program],
        input=json.dumps(full),
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"},
    ).stdout.strip()

    assert other == pdf.fingerprint(full, SummaryContext("A", "B", "UTC"))


# -- Hostile input ---------------------------------------------------------------------------------

MARKUP = (
    "<b>bold</b><img src=file:///etc/passwd><style>*{display:none}</style>"
    '"><script>alert(1)</script>{{ sheet }}{% now "Y" %}&amp;<!-- ]]>'
)


def test_markup_in_a_document_stays_text(full: Document) -> None:
    def spoiled(part):
        if isinstance(part, dict):
            return {key: spoiled(value) for key, value in part.items()}
        if isinstance(part, list):
            return [spoiled(value) for value in part]
        return MARKUP if isinstance(part, str) else part

    clean, hostile = visible(full), visible(spoiled(full))

    assert hostile.tags <= clean.tags
    assert words(MARKUP) in words(hostile.text)
    rendered = pdf.pdf({"reason": MARKUP}, CONTEXT)
    assert not rendered.plain
    assert "<img src=file:///etc/passwd>" in pdf_text(rendered.content)


def test_a_word_of_100_000_letters_is_set_whole() -> None:
    rendered = pdf.pdf({"reason": "x" * 100_000}, CONTEXT)

    assert not rendered.plain
    assert pdf_text(rendered.content).count("x") >= 100_000


def test_a_heading_of_several_lines_is_on_one_page() -> None:
    answers = [
        {
            "form": f"{form}",
            "form_name": f"Anchor {form} of a title that needs several lines, its Keel",
            **one,
        }
        for form in range(60)
        for one in [{"label": f"Question {n}", "value": "Answer"} for n in range(1 + form % 7)]
    ]

    rendered = pdf.pdf({"form_answers": answers}, CONTEXT)

    pages = [page.extract_text() for page in PdfReader(BytesIO(rendered.content)).pages]
    assert sum(page.count("Anchor") for page in pages) == 60
    assert [page.count("Anchor") for page in pages] == [page.count("Keel") for page in pages]


def test_300_form_answers_are_all_there() -> None:
    answers = [{"label": f"Question {n}", "value": f"Answer <{n}>"} for n in range(300)]

    rendered = pdf.pdf({"form_answers": answers}, CONTEXT)

    text = pdf_text(rendered.content)
    assert not rendered.plain
    assert all(f"Question {n} Answer <{n}>" in text for n in range(300))


@pytest.mark.slow
def test_a_very_long_text_is_set_plainly_and_whole() -> None:
    sentence = "The registrant was seen again and again. "

    rendered = pdf.pdf({"reason": sentence * 20_000}, CONTEXT)

    assert rendered.plain
    assert pdf_text(rendered.content).count("registrant") == 20_000


@pytest.mark.slow
def test_a_text_beyond_all_measure_is_cut_and_shows_it() -> None:
    rendered = pdf.pdf({"reason": "again " * 1_000_000}, CONTEXT)

    pages = PdfReader(BytesIO(rendered.content)).pages
    assert len(pages) == 501
    assert "The rest of the referral is in Caredove" in words(pages[-1].extract_text())


@given(st.text(alphabet=st.characters(categories=("Cc", "Cf", "Cs", "Zl", "Zp", "Co", "Cn"))))
def test_no_control_character_reaches_the_page(text: str) -> None:
    page = pdf.html({"reason": f"start{text}end"}, CONTEXT)

    assert not re.search(
        "[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", page
    )
    page.encode()


# -- Rendering never holds a referral up -----------------------------------------------------------


@pytest.mark.usefixtures("no_renderer")
def test_a_failing_renderer_makes_a_plain_summary_that_states_the_same(full: Document) -> None:
    rendered = pdf.pdf(full, CONTEXT)

    text = pdf_text(rendered.content)
    assert rendered.plain
    assert "Confidential · Referral Summary 3502768696 · Page 1 of" in text
    for wanted_text in (
        "Mireille",
        "Do not e-mail",
        "Living situation",
        "intake-letter.pdf",
        "EDT",
    ):
        assert wanted_text in text


@pytest.mark.slow
def test_a_page_too_heavy_for_its_renderer_makes_a_plain_summary(
    full: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = Pool(1, Limits(cpu_seconds=1))
    monkeypatch.setattr(pdf, "_pool", lambda: pool)
    full["reason"] = "a\n" * 15_000

    rendered = pdf.pdf(full, CONTEXT)

    assert rendered.plain
    assert "intake-letter.pdf" in pdf_text(rendered.content)


@pytest.mark.usefixtures("no_renderer")
def test_a_failure_is_logged_without_personal_data(
    full: Document, caplog: pytest.LogCaptureFixture
) -> None:
    pdf.pdf(full, CONTEXT)

    assert "renderer ended" in caplog.text
    assert not re.search("Mireille|Tremblay|3502768696", caplog.text)

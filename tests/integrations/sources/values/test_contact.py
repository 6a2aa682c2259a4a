from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.sources.values.contact import (
    Mailbox,
    Phone,
    has_ended,
    read_email,
    read_flag,
    read_gender,
    read_phone,
)

YES = [
    True,
    1,
    1.0,
    "true",
    "True",
    "TRUE",
    " true ",
    "1",
    "yes",
    "Yes.",
    "Y",
    "y",
    "t",
    "on",
    "OUI",
]
NO = [False, 0, 0.0, "false", "False", "0", "no", "No", "N", "n", "f", "off", "Off ", "non", "NON"]
NEITHER = [
    None,
    "",
    " ",
    2,
    -1,
    0.5,
    float("nan"),
    "maybe",
    "O",
    "unknown",
    "yes and no",
    "10",
    "null",
]


@pytest.mark.parametrize("value", YES)
def test_a_yes_is_a_yes(value):
    assert read_flag(value) is True


@pytest.mark.parametrize("value", NO)
def test_a_no_is_a_no(value):
    assert read_flag(value) is False


@pytest.mark.parametrize("value", [*NEITHER, [], [True], {}, {"value": True}])
def test_nothing_else_is_a_flag(value):
    assert read_flag(value) is None


@pytest.mark.parametrize(
    ("text", "mailbox"),
    [
        ("saga@example.org", Mailbox("saga@example.org")),
        (" saga@example.org ", Mailbox("saga@example.org")),
        ("Saga Lindqvist <saga@example.org>", Mailbox("saga@example.org", "Saga Lindqvist")),
        ('"Lindqvist, Saga" <saga@example.org>', Mailbox("saga@example.org", "Lindqvist, Saga")),
        ("'Saga' <saga@example.org>", Mailbox("saga@example.org", "Saga")),
        ("Saga Lindqvist<saga@example.org>", Mailbox("saga@example.org", "Saga Lindqvist")),
        ("Saga Lindqvist (saga@example.org)", Mailbox("saga@example.org", "Saga Lindqvist")),
        ("Saga Lindqvist saga@example.org", Mailbox("saga@example.org", "Saga Lindqvist")),
        (
            "Mireille Bélanger-Roy <m.roy@example.ca>",
            Mailbox("m.roy@example.ca", "Mireille Bélanger-Roy"),
        ),
        ("saga@example.org (Saga Lindqvist)", Mailbox("saga@example.org", "Saga Lindqvist")),
        ("<saga@example.org>", Mailbox("saga@example.org")),
        ('"saga@example.org"', Mailbox("saga@example.org")),
        ("'saga@example.org'", Mailbox("saga@example.org")),
        ("« saga@example.org »", Mailbox("saga@example.org")),
        ("(saga@example.org)", Mailbox("saga@example.org")),
        ("[saga@example.org]", Mailbox("saga@example.org")),
        ("mailto:saga@example.org", Mailbox("saga@example.org")),
        ("MAILTO:saga@example.org", Mailbox("saga@example.org")),
        ("mailto:saga%2Bcare@example.org", Mailbox("saga+care@example.org")),
        ("mailto:saga@example.org?subject=Hello", Mailbox("saga@example.org")),
        ("Saga <mailto:saga@example.org>", Mailbox("saga@example.org", "Saga")),
        ("saga@example.org.", Mailbox("saga@example.org")),
        ("saga@example.org,", Mailbox("saga@example.org")),
        ("saga@example.org;", Mailbox("saga@example.org")),
        ("saga@example.org!", Mailbox("saga@example.org")),
        ("Email: saga@example.org", Mailbox("saga@example.org", "Email")),
        ("o'brien+care@mail.example.org", Mailbox("o'brien+care@mail.example.org")),
        ("zoë@exämple.org", Mailbox("zoë@exämple.org")),
        ("saga@localhost", Mailbox("saga@localhost")),
        ("a@example.org; b@example.org", Mailbox("a@example.org", rest="b@example.org")),
        ("a@example.org, b@example.org", Mailbox("a@example.org", rest="b@example.org")),
        ("a@example.org / b@example.org", Mailbox("a@example.org", rest="b@example.org")),
        ("a@example.org or b@example.org", Mailbox("a@example.org", rest="or b@example.org")),
        ("A <a@example.org>, B <b@example.org>", Mailbox("a@example.org", "A", "B <b@example.org")),
        ("a@example.org (work only)", Mailbox("a@example.org", "work only")),
        ("A <a@example.org> (work)", Mailbox("a@example.org", "A", "work")),
        ("none", Mailbox(rest="none")),
        ("saga at example.org", Mailbox(rest="saga at example.org")),
        ("@", Mailbox(rest="@")),
        ("@example.org", Mailbox(rest="@example.org")),
        ("saga@", Mailbox(rest="saga@")),
        ("", Mailbox()),
    ],
)
def test_an_address_is_found_in_what_stands_around_it(text, mailbox):
    assert read_email(text) == mailbox


@given(
    st.text(max_size=60)
    | st.lists(st.sampled_from([*"a@.<>(),;: \"'", "mailto:", "x@y.z"])).map("".join)
)
def test_reading_an_address_never_fails_and_loses_no_word(text):
    read = read_email(text)
    assert read.address == "" or read.address.count("@") == 1
    if "%" not in text and "?" not in text and "mailto" not in text.casefold():
        kept = "".join(filter(str.isalnum, f"{read.display}{read.address}{read.rest}"))
        assert sorted(kept) == sorted(filter(str.isalnum, text))


@pytest.mark.slow
@pytest.mark.parametrize("piece", ["a", "@", "a@", "<", "(", " ", "mailto:", "a@b ", "a."])
def test_a_long_text_takes_no_time(piece):
    read_email(piece * 200_000)
    read_phone(piece * 200_000)
    read_gender(piece * 200_000)


@pytest.mark.parametrize("piece", ["1", "1 ", "tty", "(", "tel:", "1-", "+", "text 1"])
def test_a_long_number_takes_no_time(piece):
    read_phone(piece * 200_000)


@pytest.mark.parametrize(
    ("text", "number", "kind"),
    [
        ("705-555-0142", "705-555-0142", ""),
        (" (705) 555-0142 ", "(705) 555-0142", ""),
        ("+1 705 555 0142", "+1 705 555 0142", ""),
        ("tel:705-555-0142", "705-555-0142", ""),
        ("tel:+1-705-555-0142;ext=4", "+1-705-555-0142 ext. 4", ""),
        ("TEL:%2B17055550142", "+17055550142", ""),
        ("Tel: 705-555-0142", "705-555-0142", ""),
        ("Tél. : 705-555-0142", "705-555-0142", ""),
        ("Phone 705-555-0142", "705-555-0142", ""),
        ("705-555-0155 ext. 4", "705-555-0155 ext. 4", ""),
        ("705-555-0155 x4", "705-555-0155 x4", ""),
        ("705-555-0155, poste 12", "705-555-0155, poste 12", ""),
        ("fax:705-555-0111", "705-555-0111", "fax"),
        ("fax:+17055550111", "+17055550111", "fax"),
        ("Fax 705-555-0111", "705-555-0111", "fax"),
        ("Fax #: 705-555-0111", "705-555-0111", "fax"),
        ("Fax: (705) 555-0111", "(705) 555-0111", "fax"),
        ("705-555-0111 (fax)", "705-555-0111", "fax"),
        ("705-555-0111 fax", "705-555-0111", "fax"),
        ("Téléc. 705-555-0111", "705-555-0111", "fax"),
        ("Télécopieur : 705 555-0111", "705 555-0111", "fax"),
        ("TTY 705-555-0155", "705-555-0155", "tty"),
        ("TTY: 705-555-0155", "705-555-0155", "tty"),
        ("(TTY) 705-555-0155", "705-555-0155", "tty"),
        ("705-555-0155 (TTY)", "705-555-0155", "tty"),
        ("705-555-0155 TTY only", "705-555-0155", "tty"),
        ("TTY/TDD 705-555-0155 ext. 9", "705-555-0155 ext. 9", "tty"),
        ("ATS 705-555-0155", "705-555-0155", "tty"),
        ("ATS : 705 555-0155", "705 555-0155", "tty"),
        ("pager 705-555-0156", "705-555-0156", "pager"),
        ("Téléavertisseur : 705-555-0156", "705-555-0156", "pager"),
        ("sms:+17055550157", "+17055550157", "sms"),
        ("Text 705-555-0157", "705-555-0157", "sms"),
        ("705-555-0157 (text only)", "705-555-0157", "sms"),
        ("Texto : 705-555-0157", "705-555-0157", "sms"),
        ("Cell: 705-555-0142", "Cell: 705-555-0142", ""),
        ("705-555-0142 (ask for Ann)", "705-555-0142 (ask for Ann)", ""),
        ("1-800-TALK-NOW", "1-800-TALK-NOW", ""),
        ("Tel 705-555-0142 / Fax 705-555-0111", "Tel 705-555-0142 / Fax 705-555-0111", ""),
        ("fax", "fax", ""),
        ("unknown", "unknown", ""),
        ("911", "911", ""),
        ("", "", ""),
    ],
)
def test_a_number_names_what_it_is(text, number, kind):
    assert read_phone(text) == Phone(number, kind)


@given(
    st.text(max_size=40)
    | st.lists(st.sampled_from(["fax", "TTY ", "705-555-0142", "(", ")", " ext. 4", "tel:"])).map(
        "".join
    )
)
def test_reading_a_number_never_fails_and_loses_no_digit(text):
    number, kind = read_phone(text)
    assert kind in ("", "fax", "tty", "pager", "sms")
    if "%" not in text:
        assert list(filter(str.isdigit, number)) == list(filter(str.isdigit, text))


@pytest.mark.parametrize(
    ("code", "texts"),
    [
        (
            "male",
            [
                "male",
                "Male",
                "M",
                "m",
                "M.",
                " man ",
                "Homme",
                "H",
                "masculin",
                "M - Male",
                "Male (M)",
            ],
        ),
        (
            "female",
            ["female", "F", "f.", "FEMALE", "Woman", "femme", "Féminin", "F/Female", "girl"],
        ),
        (
            "other",
            ["other", "X", "O", "Autre", "non-binary", "Non binary", "nonbinary", "Non-binaire"],
        ),
        ("unknown", ["unknown", "U", "UNK", "Inconnu", "inconnue"]),
    ],
)
def test_a_gender_that_is_sure_becomes_the_code(code, texts):
    assert {text: read_gender(text) for text in texts} == dict.fromkeys(texts, code)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", ""),
        ("Two-Spirit", "two-spirit"),
        ("Trans woman", "trans woman"),
        ("F/M", "f/m"),
        ("male, female", "male, female"),
        ("1", "1"),
        ("Prefer not to say", "prefer not to say"),
        ("not male", "not male"),
        ("Bispirituel", "bispirituel"),
    ],
)
def test_any_other_gender_stays_as_it_is(text, word):
    assert read_gender(text) == word


TORONTO = ZoneInfo("America/Toronto")


@pytest.mark.parametrize(
    ("end", "at", "ended"),
    [
        ("2026-03-09", datetime(2026, 3, 9, 23, 59, tzinfo=TORONTO), False),
        ("2026-03-09", datetime(2026, 3, 10, 0, 0, tzinfo=TORONTO), True),
        ("2026-03", datetime(2026, 3, 31, 23, 59, tzinfo=TORONTO), False),
        ("2026-03", datetime(2026, 4, 1, tzinfo=TORONTO), True),
        ("2026", datetime(2026, 12, 31, tzinfo=TORONTO), False),
        ("2025", datetime(2026, 1, 1, tzinfo=TORONTO), True),
        ("19/03/2020", datetime(2026, 1, 1, tzinfo=UTC), True),
        ("2026-03-09T12:00:00Z", datetime(2026, 3, 9, 12, 1, tzinfo=UTC), True),
        ("2026-03-09T12:00:00Z", datetime(2026, 3, 9, 12, 0, tzinfo=UTC), False),
        ("2026-03-09T12:00:00-04:00", datetime(2026, 3, 9, 12, 1, tzinfo=UTC), False),
        ("2026-03-09T12:00:00", datetime(2026, 3, 9, 12, 1, tzinfo=TORONTO), True),
        ("2026-03-09T12:00:00", datetime(2026, 3, 9, 12, 1, tzinfo=UTC), True),
        ("9999-12-31", datetime(2026, 3, 9, tzinfo=UTC), False),
        ("03/04/2020", datetime(2026, 3, 9, tzinfo=UTC), False),
        ("when she moved", datetime(2026, 3, 9, tzinfo=UTC), False),
        ("", datetime(2026, 3, 9, tzinfo=UTC), False),
    ],
)
def test_a_period_is_over_once_its_end_is_surely_past(end, at, ended):
    assert has_ended(end, at) is ended

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.text.lenient_json import MAX_DEPTH, NotStrictJson, Repair, loads, read

CONTROLS = "".join(map(chr, range(32))).translate(dict.fromkeys(map(ord, "\t\n\v\f\r")))

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**18), 10**18)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_characters=CONTROLS, exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("abé\\u", max_size=6), inner),
    max_leaves=30,
)


def refusal(raw):
    with pytest.raises(NotStrictJson) as refused:
        loads(raw)
    return refused.value.message


@given(json_values)
def test_ordinary_json_is_read_as_the_standard_parser_reads_it(value):
    assert loads(json.dumps(value).encode()) == value
    assert loads(json.dumps(value, ensure_ascii=False).encode()) == value


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused_and_never_crash(raw):
    with suppress(NotStrictJson):
        loads(raw)


@pytest.mark.parametrize("raw", [b"", b"  \r\n\t "])
def test_an_empty_body_is_refused(raw):
    assert refusal(raw) == "The body is empty."


ENCODINGS = [
    "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be",
]  # fmt: skip


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("text", ['{"a": "Zoé 😀 李"}', "{}", '\n{\n"": 1}', '["é"]'])
def test_every_unicode_encoding_is_read_with_or_without_a_byte_order_mark(encoding, text):
    content = read(text.encode(encoding))
    assert (content.value, content.repairs) == (json.loads(text), ())


def test_byte_order_marks_are_skipped_however_many_there_are():
    assert loads("\ufeff\ufeff{}".encode("utf-8-sig")) == {}
    assert loads("\ufeff\ufeff{}".encode("utf-16-be")) == {}


@pytest.mark.parametrize(
    ("raw", "read_as"),
    [
        (b'"Zo\xc3\xa9 \xff!"', "Zoé \ufffd!"),
        (b'"Zo\xc3\xa9 \xc3"', "Zoé \ufffd"),
        (b'"\xed\xa0\x80"', "\ufffd"),  # half of a character
        (b'"\xed\xb8\x80\xed\xa0\xbd"', "\ufffd\ufffd"),  # its halves the other way round
        (b'"\xed\xa0\xbdx\xed\xb8\x80"', "\ufffdx\ufffd"),
        ('["\ud800"]'.encode("utf-16-be", "surrogatepass"), ["\ufffd"]),
        (rb'"\ud83d"', "\ufffd"),
        (rb'"\ude00\ud83d!"', "\ufffd\ufffd!"),
    ],
)
def test_a_broken_character_is_replaced_and_reported(raw, read_as):
    content = read(raw)
    assert (content.value, content.repairs) == (read_as, (Repair.CHARACTERS,))


def test_bad_characters_in_keys_and_deep_inside_are_replaced_too():
    assert loads(rb'[{"\uD800": [{"b\u0000": "\udfff\u001b"}]}]') == [
        {"\ufffd": [{"b ": "\ufffd "}]}
    ]


def test_a_character_in_two_halves_is_one_character():
    assert read(b'"\xed\xa0\xbd\xed\xb8\x80"').value == "😀"
    assert read(b'"\xed\xa0\xbd\xed\xb8\x80"').repairs == ()


@pytest.mark.parametrize("text", ["Zoé", "« Où ça? » – l’été à Montréal", "prix: 5 €", "ÿ"])
def test_what_is_not_utf_8_at_all_is_read_as_windows_1252(text):
    content = read(f'{{"a": "{text}"}}'.encode("windows-1252"))
    assert (content.value, content.repairs) == ({"a": text}, (Repair.ENCODING,))


def test_a_byte_that_windows_1252_does_not_know_refuses_nothing():
    assert loads(b'"Zo\xe9 \x81"') == "Zoé \x81"


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b'{"a": 1, "b": 2, "a": 3}', {"a": 3, "a (1)": 1, "b": 2}),
        (b'{"a": 1, "a": 2, "a": 3}', {"a": 3, "a (1)": 1, "a (2)": 2}),
        (rb'{"a": {"x": 1}, "\u0061": {"x": 2}}', {"a": {"x": 2}, "a (1)": {"x": 1}}),
        (b'[{"a": "x", "a": ["y"]}]', [{"a": ["y"], "a (1)": "x"}]),
    ],
)
def test_of_a_key_that_comes_twice_the_last_value_counts_and_none_is_lost(raw, value):
    content = read(raw)
    assert (content.value, content.repairs) == (value, (Repair.REPEATED_KEY,))


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b'{"a": 1, "a": 1}', {"a": 1}),
        (b'{"a": [{"b": 2}], "a": [{"b": 2}]}', {"a": [{"b": 2}]}),
        (b'{"a": 1, "a": null, "a": ""}', {"a": 1}),
        (b'{"a": [], "a": 0}', {"a": 0}),
    ],
)
def test_a_key_that_comes_twice_and_states_nothing_else_is_no_matter(raw, value):
    assert (read(raw).value, read(raw).repairs) == (value, ())


def test_a_repeated_key_takes_no_more_than_linear_time():
    members = b",".join(b'"a": %d' % number for number in range(200_000))
    assert len(loads(b"{" + members + b"}")) == 200_000


def test_what_is_no_json_number_is_nothing_or_text():
    assert loads(b"[NaN, Infinity, -Infinity]") == [None, "Infinity", "-Infinity"]


@pytest.mark.parametrize("number", ["9" * 5000, "-" + "9" * 41, "1e999", "-1e999", "0." + "1" * 99])
def test_a_number_that_no_number_holds_is_kept_as_text(number):
    assert loads(f"[{number}]".encode()) == [number]


@pytest.mark.parametrize(
    "raw",
    [
        b'{"a": "x\0y"}',
        b'{"a": "x\\u0000y"}',
        b'{"a": "x\x1by"}',
        b'{"a": "x\\u001by"}',
        b'\x1e{"a": "x\0y"}\0\0',
        b'\0{"a":\0\x0b"x\0y"\x1a}',
        '{"a": "x\0y"}'.encode("utf-16"),
    ],
)
def test_a_control_character_is_a_space_raw_or_escaped(raw):
    assert (read(raw).value, read(raw).repairs) == ({"a": "x y"}, ())


def test_line_ends_and_tabs_inside_a_string_are_text():
    assert loads(b'"one\r\n\ttwo"') == "one\r\n\ttwo"


def test_a_backslash_before_u0000_is_no_nul():
    assert loads(rb'"C:\\u0000"') == r"C:\u0000"


def test_a_whole_surrogate_pair_is_a_character():
    assert loads(rb'"\ud83d\ude00"') == "😀"


@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_nesting_is_accepted_to_the_limit_and_refused_beyond(opening, closing):
    assert loads(opening * MAX_DEPTH + b"1" + closing * MAX_DEPTH)
    assert "levels deep" in refusal(opening * (MAX_DEPTH + 1) + b"1" + closing * (MAX_DEPTH + 1))
    assert "levels deep" in refusal(opening * 100_000 + b"1" + closing * 100_000)


def test_empty_containers_count_as_levels():
    assert "levels deep" in refusal(b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1))


@pytest.mark.parametrize("raw", [b"{} {}", b"{},", b'{"a": 1', b"{'a': 1}", b"[1,]", b"nul"])
def test_what_is_not_json_is_refused_with_its_place(raw):
    assert "line 1, column" in refusal(raw)


def test_a_body_of_countless_tiny_values_is_refused():
    assert "values" in refusal(b"[" + b"[]," * 500_000 + b"[]]")


def test_a_refusal_quotes_nothing_of_the_body():
    with pytest.raises(NotStrictJson) as refused:
        loads(b'{"Mireille": Tremblay}')
    assert "Mireille" not in str(refused.value) + repr(refused.value) + refused.value.message
    assert "Tremblay" not in refused.value.message

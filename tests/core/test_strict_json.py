import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.strict_json import MAX_DEPTH, NotStrictJson, loads

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**18), 10**18)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
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


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_is_refused(encoding):
    assert "byte order mark" in refusal('{"a": 1}'.encode(encoding))


@pytest.mark.parametrize("raw", [b'{"a": "\xff"}', b'"\xed\xa0\x80"', b'"\xc0\x80"', b'"caf\xe9"'])
def test_bad_utf_8_is_refused(raw):
    assert "not UTF-8" in refusal(raw)


def test_a_key_that_stands_twice_is_named():
    assert "“reference”" in refusal(b'{"a": {"reference": 1, "b": 2, "reference": 1}}')


def test_keys_that_differ_only_by_escape_are_the_same_key():
    assert "“a”" in refusal(b'{"a": 1, "\\u0061": 2}')


def test_the_key_quoted_in_a_refusal_is_short_and_printable():
    key = json.dumps("\n\u202e" + "k" * 999)
    message = refusal(f"{{{key}: 1, {key}: 2}}".encode())
    assert len(message) < 150
    assert message.isprintable()


@pytest.mark.parametrize("constant", [b"NaN", b"Infinity", b"-Infinity"])
def test_what_is_no_json_number_is_refused(constant):
    assert "not a JSON number" in refusal(b'{"size": ' + constant + b"}")


@pytest.mark.parametrize("number", [b"9" * 5000, b"-" + b"9" * 41, b"1e999", b"0." + b"1" * 5000])
def test_an_absurd_number_is_refused(number):
    assert "number" in refusal(b"[" + number + b"]")


@pytest.mark.parametrize("raw", [b'{"a": "x\0y"}', b'{"a": "x\\u0000y"}', b'{"x\\u0000": 1}'])
def test_a_nul_is_refused_raw_or_escaped(raw):
    assert "NUL" in refusal(raw)


def test_a_backslash_before_u0000_is_no_nul():
    assert loads(rb'"C:\\u0000"') == r"C:\u0000"


@pytest.mark.parametrize("raw", [rb'"\ud83d"', rb'["\udc00\ud83d"]', rb'{"\uD800": 1}'])
def test_half_a_surrogate_pair_is_refused(raw):
    assert "surrogate" in refusal(raw)


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


def test_a_refusal_keeps_what_the_body_said_out_of_logs():
    with pytest.raises(NotStrictJson) as refused:
        loads(b'{"Mireille": 1, "Mireille": 2}')
    assert "Mireille" not in str(refused.value) + repr(refused.value)

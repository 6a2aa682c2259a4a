import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.markup import one_line, plain_text

# What could be read as a tag, a comment or a declaration, now or when more text follows.
MARKUP = re.compile(r"<[A-Za-z/!?]")
CONTROLS = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff]")

PIECES = (
    "< > & ; / ! - -- = \" ' <b> </b> <br> <p> </p> <li> <script> </script> <!-- --> <style> "
    "</style> &lt; &gt; &amp; &#60; &#x3C; &nbsp; &quot; lt; amp; <a <img onerror=x script b"
)
CHARACTERS = [" ", "\n", "\t", "\r\n", "\0", "\x85", "\u202e", "\xa0", "é", "ᐃᓄᒃ"]
pieces = st.sampled_from([*PIECES.split(), *CHARACTERS])
hostile = st.lists(pieces, max_size=40).map("".join)
anything = st.text(max_size=80) | hostile


@given(anything)
@example("<<b>script>alert(1)</script>")
@example("&amp;amp;lt;script&amp;amp;gt;")
@example("&#38;#60;b&#38;#62;")
@example("<scr<script></script>ipt>")
def test_no_markup_is_ever_left(text):
    assert not MARKUP.search(plain_text(text))
    assert not CONTROLS.search(plain_text(text))


@given(anything)
def test_plain_text_stays_as_it_is(text):
    assert plain_text(plain_text(text)) == plain_text(text)
    assert one_line(one_line(text)) == one_line(text)


@given(
    st.text(st.characters(categories=["L", "N", "P", "S"], exclude_characters="<&"), max_size=60)
)
def test_text_without_markup_loses_nothing(text):
    assert plain_text(text) == text


@given(anything, anything)
def test_two_plain_texts_side_by_side_are_plain(one, other):
    assert not MARKUP.search(plain_text(one) + " " + plain_text(other))


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("a < b and c > d", "a < b and c > d"),
        ("age <18", "age <18"),
        ("x<y", "x< y"),
        ("<3 you", "<3 you"),
        ("AT&T, R&D, Q&A&region", "AT&T, R&D, Q&A&region"),
        ("Phone: <unknown>", "Phone: unknown"),
        ("<no answer>, <N/A>", "no answer, N/A"),
        ("John <john@example.org>", "John john@example.org"),
        ("see <https://example.org/a?b=1&c=2>", "see https://example.org/a?b=1&c=2"),
        ("&eacute;t&eacute; &copy; &#233; &#xE9; &unknown;", "été © é é &unknown;"),
        ("<p>One</p><p>Two<br/>Three</p>", "One\n\nTwo\nThree"),
        ("<ul><li>a</li><li>b</li></ul>", "- a\n- b"),
        ("<td>a</td><td>b</td>", "a b"),
        ('<a title="1 > 0" href="x">link</a>', "link"),
        ("<!-- a <b> -->shown<!-- b -->", "shown"),
        ("<script>alert('<b>')</script><style>p{}</style>shown", "shown"),
        ("<!--[if mso]><xml><o:p>w</o:p></xml><![endif]-->shown<o:p></o:p>", "shown"),
        ("&lt;script&gt;alert(1)&lt;/script&gt;shown", "shown"),
        ("<script>never closed", "never closed"),
        ("  line one  \r\n\r\n\r\n\r\nline two\x00\t", "line one\n\nline two"),
        ("left\u202eright\u2066x\u2069", "leftrightx"),
    ],
)
def test_a_text_becomes_plain(text, plain):
    assert plain_text(text) == plain


def test_one_line_joins_lines():
    assert one_line("<p>Marie</p>\n Ann\t ") == "Marie Ann"


def test_text_of_a_right_to_left_name_stays_whole():
    assert plain_text("عبد\u200cالرحمن \u200fשלום") == "عبد\u200cالرحمن \u200fשלום"

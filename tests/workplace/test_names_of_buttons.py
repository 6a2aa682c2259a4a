"""Each button and link has a name in words: "✕" says nothing to whoever hears the page."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.conf import settings

TEMPLATES = Path(settings.BASE_DIR) / "templates"
TAG = re.compile(r"{%.*?%}|{#.*?#}", re.DOTALL)
VALUE = re.compile(r"{{.*?}}|{%\s*(?:translate|slot).*?%}", re.DOTALL)  # something in words


class Named(HTMLParser):
    """Collects buttons, links and fields without a name."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = 0
        self.nameless: list[str] = []
        self._open: list[tuple[str, str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in ("button", "a"):
            self._open.append((tag, given.get("aria-label") or "", ""))
        elif tag == "input" and given.get("type") in ("submit", "button", "image"):
            self._judge(given.get("aria-label") or given.get("value") or given.get("alt") or "")

    def handle_data(self, data: str) -> None:
        self._open = [(tag, label, text + data) for tag, label, text in self._open]

    def handle_endtag(self, tag: str) -> None:
        if self._open and self._open[-1][0] == tag:
            _, label, text = self._open.pop()
            self._judge(label or text)

    def _judge(self, name: str) -> None:
        self.seen += 1
        if not any(letter.isalpha() for letter in name):
            self.nameless.append(f"{name!r} in line {self.getpos()[0]}")


def named_in(text: str) -> Named:
    parser = Named()
    parser.feed(TAG.sub("", VALUE.sub("value", text)))
    return parser


@pytest.mark.parametrize(
    "template", sorted(TEMPLATES.rglob("*.html")), ids=lambda path: str(path.relative_to(TEMPLATES))
)
def test_each_button_of_a_template_has_a_name(template: Path) -> None:
    assert named_in(template.read_text()).nameless == []


def test_there_are_buttons() -> None:
    assert sum(named_in(path.read_text()).seen for path in TEMPLATES.rglob("*.html")) > 100


@pytest.mark.parametrize(
    "text",
    ["<button>✕</button>", '<a href="/">→</a>', '<input type="submit" value="×">'],
)
def test_a_button_without_a_name_is_seen(text: str) -> None:
    assert named_in(text).nameless

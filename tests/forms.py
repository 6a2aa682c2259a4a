"""What a browser would send back of the forms on a page, if nobody touched them."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any


class _Form(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.data: dict[str, list[str]] = {}
        self._select = ""
        self._textarea = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        name, value = given.get("name") or "", given.get("value") or ""
        if tag == "form":
            self.data = {}
        elif tag == "input" and name and given.get("type") not in ("submit", "checkbox", "radio"):
            self.data.setdefault(name, []).append(value)
        elif tag == "input" and name and "checked" in given:
            self.data.setdefault(name, []).append(given.get("value") or "on")
        elif tag == "select":
            self._select = "" if "disabled" in given else name
        elif tag == "option" and self._select and "selected" in given:
            self.data.setdefault(self._select, []).append(value)
        elif tag == "textarea":
            self._textarea = name
            self.data[name] = [""]

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self._select = ""
        elif tag == "textarea":
            self._textarea = ""

    def handle_data(self, data: str) -> None:
        if self._textarea:
            self.data[self._textarea][0] = (self.data[self._textarea][0] + data).lstrip("\r\n")


def form_on(page: Any) -> dict[str, list[str]]:
    """Return the names and values of the last form of a response."""
    form = _Form()
    form.feed(page.content.decode())
    return form.data


@dataclass
class Form:
    """A form that is sent by POST."""

    action: str
    role: str
    values: dict[str, str] = field(default_factory=dict)  # of hidden fields: the token and such
    required: frozenset[str] = frozenset()


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[Form] = []
        self._open: Form | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self._open = None
            if (given.get("method") or "").casefold() == "post":
                self._open = Form(given.get("action") or "", given.get("role") or "")
                self.found.append(self._open)
        elif self._open and given.get("name") and tag in ("input", "select", "textarea"):
            name = given["name"] or ""
            if "required" in given:
                self._open.required |= {name}
            elif given.get("type") == "hidden":
                self._open.values[name] = given.get("value") or ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None


def forms_in(html: str) -> list[Form]:
    """Return the forms of a page that are sent by POST, with what each requires."""
    forms = _Forms()
    forms.feed(html)
    return forms.found

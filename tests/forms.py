"""What a browser would send back of the last form on a page, if nobody touched it."""

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

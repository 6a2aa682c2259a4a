"""What a page of the portal has to be like, asked of a page that is open in the browser."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from itertools import count
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from PIL import Image
from playwright.sync_api import BrowserContext, Frame, Page

PICTURES = Path(__file__).parent.parent.parent / "docs" / "guide" / "pictures"
DESK = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}
TALLEST = 1400  # of a picture: the rest of a long list says nothing new
SCHEMES = ("light", "dark")
# A dark page differs from the light one in nothing but its colours.
ALL_RULES: dict[str, object] = {}
OF_COLOURS = {"runOnly": ["color-contrast", "link-in-text-block"]}
IN_DARK = 3  # of so many pages, one is looked at in dark too; with --whole, each
ROWS = 8  # of each table that are looked at: what comes below is alike; with --whole, all
AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")

_looks = count()
_troubles: WeakKeyDictionary[BrowserContext, list[str]] = WeakKeyDictionary()


# -- What the browser complains of -----------------------------------------------------------------


def listen(context: BrowserContext) -> list[str]:
    """Write down errors of the console, exceptions and refusals of the CSP on any page."""
    found = _troubles.setdefault(context, [])
    context.on(
        "console",
        lambda message: (
            found.append(f"{message.text} ({message.location.get('url', '')})")
            if message.type == "error"
            else None
        ),
    )
    context.on("weberror", lambda error: found.append(str(error.error)))
    return found


def expect_trouble(page: Page, words: str) -> None:
    """Expect that the browser has complained in these words, and forgive it."""
    found = _troubles[page.context]
    expected = [message for message in found if words in message]
    assert expected, f"The browser never said “{words}”, but: {found}"
    found[:] = [message for message in found if message not in expected]


# -- For everybody -------------------------------------------------------------------------------


def accessible(page: Page) -> None:
    """Expect that axe finds nothing, in light and, where it is the page's turn, in dark."""
    schemes = SCHEMES if next(_looks) % IN_DARK == 0 else SCHEMES[:1]
    found = {line: scheme for scheme in schemes for line in faults(page, scheme)}
    assert not found, f"{page.url} is not accessible:\n" + "\n".join(
        f"{line} [{scheme}]" for line, scheme in found.items()
    )


def faults(page: Page, scheme: str, frame: Frame | None = None) -> list[str]:
    """Return what axe finds on the page or in its frame in this colour scheme, a line for each."""
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    where = frame or page
    if not where.evaluate("() => 'axe' in window"):
        where.evaluate(AXE)
    rules = ALL_RULES if scheme == "light" else OF_COLOURS
    found = where.evaluate(_FAULTS, [f"tbody > tr:nth-child(n+{ROWS + 1})", rules])
    page.emulate_media(color_scheme="light")
    return [
        f"{fault['id']}: {fault['help']}: {node['target'][0]} {_why(node)}"
        for fault in found["violations"]
        for node in fault["nodes"]
    ]


# Colours that are just changing are waited for. Stylesheets are not fetched again: axe would look
# for what they import beside the page, and apply what it found against the policy.
_FAULTS = """async ([exclude, rules]) => {
  await Promise.all(document.getAnimations().map(one => one.finished.catch(() => null)));
  return axe.run({exclude}, {...rules, resultTypes: ["violations"], preload: false});
}"""


def _why(node: dict[str, Any]) -> str:
    checks = [*node["any"], *node["all"], *node["none"]]
    return "; ".join(check["message"] for check in checks)[:200] + f" in {node['html'][:160]}"


def fits_phone(page: Page) -> None:
    """Expect that a phone shows the page without scrolling sideways."""
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    width, wide = page.evaluate(_WIDER)
    page.set_viewport_size(DESK)  # type: ignore[arg-type]
    assert not width, f"{page.url} is {width} px too wide for a phone: {wide}"


# How much too wide the page is, and the elements that stick out.
_WIDER = """() => {
  const room = document.documentElement.clientWidth;
  const wider = document.documentElement.scrollWidth - room;
  if (wider <= 0) return [0, ""];
  const scrolls = element => element && element !== document.body
    && (getComputedStyle(element).overflowX !== "visible" || scrolls(element.parentElement));
  const out = [...document.body.querySelectorAll("*")]
    .filter(element => element.getBoundingClientRect().right > room + 1)
    .filter(element => !scrolls(element.parentElement))  // it makes nothing wider
    .map(element => element.tagName.toLowerCase() + (element.id && "#" + element.id)
      + [...element.classList].map(name => "." + name).join(""));
  return [wider, out.slice(0, 8).join(" ")];
}"""


# -- Counting ------------------------------------------------------------------------------------


class Clicks:
    """How often somebody has clicked, chosen from a list, or pressed Enter."""

    count = 0

    def add(self, *_: object) -> None:
        self.count += 1


@contextmanager
def clicks(page: Page) -> Iterator[Clicks]:
    """Count on every page that this one leads to: `with clicks(page) as so_far: …`."""
    counted = Clicks()
    page.expose_function("countedClick", counted.add)
    page.add_init_script(_COUNT)
    page.evaluate(_COUNT)
    before = counted.count
    yield counted
    counted.count -= before


_COUNT = """
addEventListener("pointerdown", () => countedClick(), true);
addEventListener("keydown", event => { if (event.key === "Enter") countedClick(); }, true);
addEventListener("change", event => {
  if (event.target.matches("select")) countedClick();
}, true);
"""


# -- Pictures ------------------------------------------------------------------------------------


def pictures(page: Page, name: str, *, of: str = "") -> None:
    """Take the guide's pictures of a page in both languages: English, and French beside it.

    For pages that an address leads to; what a form has just answered has none.
    """
    picture(page, name, of=of)
    if not _takes_pictures():
        return  # where there is no French one, the guide shows the English one
    browser = page.context.browser
    assert browser
    with browser.new_context(locale="fr-CA", reduced_motion="reduce") as french:
        french.add_cookies(page.context.cookies())  # type: ignore[arg-type]
        tab = french.new_page()
        tab.goto(page.url, wait_until="networkidle")
        picture(tab, name, of=of, language="fr")


def _takes_pictures() -> bool:
    return os.environ.get("GUIDE_PICTURES") == "1"


def picture(page: Page, name: str, *, of: str = "", language: str = "") -> None:
    """Take the guide's picture of the page, or, by a selector, of a part of it.

    With GUIDE_PICTURES=1 (`make guide`) it is written; otherwise it has to be there already. Times
    read as on one same day, so that a picture changes only when the page does. Pictures in another
    language than English lie in its folder.
    """
    file = PICTURES.parent / language / PICTURES.name / f"{name}.png"
    if not _takes_pictures():
        assert file.exists(), f"There is no {file.name} for the guide: run `make guide`."
        return
    page.set_viewport_size(DESK)  # type: ignore[arg-type]
    page.emulate_media(color_scheme="light")
    page.evaluate(_SAME_TIMES)
    file.parent.mkdir(parents=True, exist_ok=True)
    if of:
        page.locator(of).first.screenshot(path=file, animations="disabled", caret="hide")
    else:
        # On a screen as tall as the page, what sticks to its edges stands where it belongs.
        tall = page.evaluate("() => document.documentElement.scrollHeight")
        page.set_viewport_size({"width": DESK["width"], "height": min(tall, TALLEST)})
        page.evaluate("() => window.scrollTo(0, 0)")
        page.screenshot(path=file, animations="disabled", caret="hide")
        page.set_viewport_size(DESK)  # type: ignore[arg-type]
    with Image.open(file) as taken:  # 256 colors are enough, and a third of the bytes
        taken.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(file, optimize=True)


# Dates and times as Django, our own screens and <input>s write them.
_SAME_TIMES = """() => {
  const forms = [
    [/\\b20\\d\\d-\\d\\d-\\d\\d\\b/g, "2026-03-11"],
    [/\\b(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\\.? \\d{1,2}, 20\\d\\d/g,
      "Mar 11, 2026"],
    [/\\b\\d{1,2}(:\\d\\d)? [ap]\\.m\\./g, "9:41 a.m."],
    [/\\b\\d{1,2}\\s(jan|fév|mars|avr|mai|juin|juil|août|sept|oct|nov|déc)[a-zé]*\\.?\\s20\\d\\d/g,
      "11 mars 2026"],
    [/\\b\\d{1,2}\\sh\\s\\d\\d\\b/g, "9 h 41"],
    [/\\b\\d\\d:\\d\\d(:\\d\\d)?\\b/g, "09:41"],
    [/\\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\\b/g, "1d5c0f3e-7a41-4a0e-9a53-2b6f0c8d9e10"],
    [/127\\.0\\.0\\.1:\\d+/g, "portal.example.org"],
  ];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    let text = walker.currentNode.data;
    for (const [form, same] of forms) text = text.replace(form, same);
    if (text !== walker.currentNode.data) walker.currentNode.data = text;
  }
}"""


def referred_pictures(text: str) -> set[str]:
    """Return the names of the pictures that a page of the guide shows."""
    return set(re.findall(r"pictures/([\w-]+)\.png", text))

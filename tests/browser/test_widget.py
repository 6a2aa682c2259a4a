"""The widget on a page of another site: by one script tag, or in a frame without scripts.

The other site is a server of this machine, which a browser knows by two names: one of them may show
the widget. Its styles are as bad as they get.
"""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from playwright.sync_api import Frame, Page, Response, expect

from tests.browser import checks
from tests.browser.conftest import SignIn
from tests.browser.portal import Portal
from tests.browser.test_directory import LINES

EMERGENCY = {"en": "In danger? Call 9-1-1.", "fr": "En danger? Faites le 9-1-1."}
SCRIPT_BYTES, ALL_BYTES = 25 * 1024, 60 * 1024
PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Town</title>
<meta name="viewport" content="width=device-width"><style>
p, iframe, form, input, button, h1, h2, li {{ display: none !important; color: red !important;
  font-size: 60px !important; width: 9000px !important; }}
#own {{ display: block !important; width: auto !important; }}
</style></head><body><main><h1 id="own">Town</h1><p id="own-text">Our text</p>
{widget}</main></body></html>"""


class Site:
    """Another site, whose page holds what a test puts there."""

    def __init__(self) -> None:
        self.widget = ""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.port = self._server.server_port
        self.allowed, self.refused = (
            f"http://{host}:{self.port}/" for host in ("localhost", "127.0.0.1")
        )
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = PAGE.format(widget=site.widget).encode()
                self.send_response(200 if self.path == "/" else 204)
                self.send_header("Content-Type", "text/html")
                self.end_headers()
                if self.path == "/":
                    self.wfile.write(body)

            def log_message(self, *args: Any) -> None:
                pass

        return Handler


@pytest.fixture(scope="module")
def site(portal: Portal) -> Iterator[Site]:
    """Another site, and the planted portal with a directory that it may show."""
    made = Site()
    settings = {
        "name": "Répertoire",
        "languages": ["en", "fr"],
        "public": "true",
        "embed_hosts": [f"localhost:{made.port}"],
        "emergency": EMERGENCY,
    }
    (portal.directory / "widget.yaml").write_text(json.dumps({"directory": settings}))
    (portal.directory / "services.ndjson").write_text("\n".join(map(json.dumps, LINES)))
    portal.manage("apply_config", str(portal.directory / "widget.yaml"))
    file = str(portal.directory / "services.ndjson")
    portal.manage("import_directory", file, "--source", "county")
    yield made
    made.close()


def script(portal: Portal, **options: str) -> str:
    given = " ".join(f'data-{name}="{value}"' for name, value in options.items())
    return f'<script src="{portal.url}/directory/widget.js" {given} async></script>'


def shown(page: Page, address: str) -> Frame:
    """Open the other site's page; return the widget's frame, once it is there."""
    with page.expect_response(lambda answer: "/directory/embed" in answer.url):
        page.goto(address)
    frame = page.frames[-1]
    frame.wait_for_load_state("load")
    return frame


def read_aloud(page: Page) -> str:
    """Return the texts of the page that a screen reader gets, also from a closed shadow root."""
    tree = page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")
    return "\n".join(str(node.get("name", {}).get("value", "")) for node in tree["nodes"])


def test_one_script_tag_shows_the_search_and_the_emergency_line(
    sign_in: SignIn, portal: Portal, site: Site
):
    site.widget = script(portal, lang="fr", need="food")
    page = sign_in()
    frame = shown(page, site.allowed)
    expect(frame.get_by_role("link", name="Food bank", exact=True)).to_be_visible()
    assert frame.evaluate("document.documentElement.lang") == "fr"
    aloud = read_aloud(page)
    assert EMERGENCY["fr"] in aloud
    assert EMERGENCY["en"] not in aloud
    assert EMERGENCY["fr"] not in frame.locator("body").inner_text()  # once is enough
    for scheme in checks.SCHEMES:
        assert checks.faults(page, scheme, frame) == []
        assert checks.faults(page, scheme) == []
    assert not page.context.cookies()


def test_neither_site_s_styles_reach_the_other(sign_in: SignIn, portal: Portal, site: Site):
    site.widget = script(portal)
    page = sign_in()
    frame = shown(page, site.allowed)
    box = frame.frame_element().bounding_box()
    assert box
    assert 300 < box["width"] < checks.DESK["width"]
    expect(frame.get_by_role("button", name="Search")).to_be_visible()
    assert frame.get_by_label("What do you need?").evaluate(FONT_SIZE) < 30
    # Ours are no less at home: the page is as it would be without the widget.
    assert page.evaluate("getComputedStyle(document.body).margin") == "8px"
    assert page.locator("#own").evaluate(FONT_SIZE) == 60


FONT_SIZE = "element => parseFloat(getComputedStyle(element).fontSize)"


def test_a_search_stays_in_the_frame_and_a_service_opens_outside(
    sign_in: SignIn, portal: Portal, site: Site
):
    site.widget = script(portal)
    page = sign_in()
    frame = shown(page, site.allowed)
    frame.get_by_label("What do you need?").fill("food")
    page.keyboard.press("Enter")
    link = frame.get_by_role("link", name="Food bank", exact=True)
    expect(link).to_be_visible()
    assert "food" not in frame.url
    with page.context.expect_page() as opened:
        link.press("Enter")
    expect(opened.value.get_by_role("heading", name="Food bank")).to_be_visible()
    assert page.url == site.allowed


def test_a_phone_shows_it_without_scrolling_sideways(sign_in: SignIn, portal: Portal, site: Site):
    site.widget = script(portal, need="food", lang="fr")
    page = sign_in(viewport=checks.PHONE, color_scheme="dark")
    frame = shown(page, site.allowed)
    for where in (page, frame):
        wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert where.evaluate(wide) <= 0
    # It becomes as high as its content: only the page scrolls.
    frame.wait_for_function(
        "() => document.documentElement.scrollHeight <= document.documentElement.clientHeight + 1"
    )


def test_other_hosts_may_not_show_it(sign_in: SignIn, portal: Portal, site: Site):
    page = sign_in()
    site.widget = script(portal)
    page.goto(site.refused, wait_until="networkidle")
    assert len(page.frames) == 1
    assert EMERGENCY["en"] not in read_aloud(page)
    site.widget = f'<iframe title="Search" src="{portal.url}/directory/embed"></iframe>'
    page.goto(site.refused, wait_until="networkidle")
    assert EMERGENCY["en"] not in read_aloud(page)
    checks.expect_trouble(page, "frame-ancestors")


def test_a_frame_without_scripts_searches_and_has_the_emergency_line(
    sign_in: SignIn, portal: Portal, site: Site
):
    address = f"{portal.url}/directory/embed?lang=fr"
    site.widget = f'<iframe style="display: block !important" title="Search" src="{address}">'
    page = sign_in(java_script_enabled=False)
    frame = shown(page, site.allowed)
    expect(frame.get_by_text(EMERGENCY["fr"])).to_be_visible()
    frame.locator("#need").fill("food")
    frame.locator("#need").press("Enter")
    expect(frame.get_by_role("link", name="Food bank", exact=True)).to_be_visible()
    expect(frame.get_by_text(EMERGENCY["fr"])).to_be_visible()


def test_a_first_visit_takes_little(sign_in: SignIn, portal: Portal, site: Site):
    site.widget = script(portal)
    page = sign_in()
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer))
    shown(page, site.allowed)
    page.wait_for_load_state("networkidle")
    ours = {one.url: one for one in answers if one.url.startswith(portal.url)}
    sizes = {url: len(one.body()) for url, one in ours.items()}
    scripts = sum(size for url, size in sizes.items() if ".js" in url)
    assert 0 < scripts <= SCRIPT_BYTES, sizes
    assert len(sizes) >= 4, sizes  # two scripts, the frame, and its styles
    assert sum(sizes.values()) <= ALL_BYTES, sizes
    print(f"widget, first visit: {scripts} bytes of script, {sum(sizes.values())} in all")

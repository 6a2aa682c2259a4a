"""What one summary costs: ours against the naive way to set the same page.

`python -m tests.bench.pdf [DOCUMENTS]` prints the CPU time of interleaved renderings, and the
memory of a process of each kind after 50 documents and at the end. Trust the ratios, not the
milliseconds.
"""

import json
import os
import re
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import django

ROOT = Path(__file__).resolve().parent.parent.parent
FULL = ROOT / "tests" / "fixtures" / "documents" / "full.json"
FONTS = ROOT / "referrals" / "summary" / "rendering" / "fonts.conf"
WARM_UP, ROUNDS = 3, 40
SETTLED = 50  # documents, after which memory should be flat
NAIVE_CSS = """
section .label, section .value { float: none; margin: 0; vertical-align: top; text-align: left }
section > table { margin-left: 37mm } html { overflow-wrap: normal }
"""


def main(documents: int) -> None:
    """Print the two tables."""
    kinds = {"naive": naive(), "naive, tagged": naive(pdf_variant="pdf/ua-1"), "ours": ours()}
    times = measured(kinds)
    print(f"{'CPU':16}{'median, ms':>12}{'ratio':>8}")
    for kind, spent in times.items():
        ratio = statistics.median(a / b for a, b in zip(spent, times["naive"], strict=True))
        print(f"{kind:16}{statistics.median(spent) * 1000:12.0f}{ratio:8.2f}")
    print(f"\n{'memory, MB':16}{f'after {SETTLED}':>12}{f'after {documents}':>12}{'ratio':>8}")
    for kind in ("naive", "ours"):
        early, late = memory(kind, documents)
        print(f"{kind:16}{early:12.1f}{late:12.1f}{late / early:8.3f}")


def measured(kinds: dict[str, Callable[[], bytes]]) -> dict[str, list[float]]:
    """Return the seconds of CPU that each kind took in each round, the kinds interleaved."""
    times: dict[str, list[float]] = {kind: [] for kind in kinds}
    for turn in range(WARM_UP + ROUNDS):
        for kind, render in kinds.items():
            start = time.process_time()
            render()
            if turn >= WARM_UP:
                times[kind].append(time.process_time() - start)
    return times


def naive(**options: str) -> Callable[[], bytes]:
    """Return a function that sets auto tables, with the CSS in the page and new fonts each time."""
    from weasyprint import HTML
    from weasyprint.text.fonts import FontConfiguration

    page = naive_page()
    return lambda: HTML(string=page).write_pdf(font_config=FontConfiguration(), **options)


def ours() -> Callable[[], bytes]:
    """Return a function that does what a renderer does with one page."""
    from referrals.summary.rendering.child import Typesetter

    os.environ["FONTCONFIG_FILE"] = str(FONTS)
    typesetter = Typesetter()
    typesetter.warm_up()
    del os.environ["FONTCONFIG_FILE"]
    html = page()
    return lambda: typesetter.pdf(html, ("Liberation Sans",))


def page() -> str:
    """Return the page of the full example."""
    from referrals.summary.pdf import SummaryContext, html

    context = SummaryContext("Birchwood", "Adult Counselling", "America/Toronto")
    return html(json.loads(FULL.read_text()), context)


def naive_page() -> str:
    """Return the same page with tables for lists and its stylesheet within."""
    from referrals.summary.rendering.child import STYLESHEET

    tables = re.sub(r"<(/?)ul", r"<\1table", page())
    tables = re.sub(r'<li([^>]*)><div class="label', r'<tr\1><th class="label', tables)
    tables = tables.replace('</div><div class="value', '</th><td class="value')
    tables = tables.replace('</div><div class="remark', '<br><span class="remark')
    tables = tables.replace("</div></li>", "</td></tr>")
    css = STYLESHEET.read_text().replace("display: flow-root;", "")
    return tables.replace("</head>", f"<style>{css}{NAIVE_CSS}</style></head>")


def memory(kind: str, documents: int) -> tuple[float, float]:
    """Return the resident megabytes of a fresh process, early and late in its life."""
    output = subprocess.run(
        [sys.executable, "-m", "tests.bench.pdf", kind, str(documents)],
        capture_output=True,
        check=True,
        cwd=ROOT,
    ).stdout
    early, late = map(float, output.split())
    return early, late


def live(kind: str, documents: int) -> None:
    """Render, and print our resident memory after `SETTLED` documents and at the end."""
    render = {"naive": naive, "ours": ours}[kind]()
    for number in range(1, documents + 1):
        render()
        if number in {SETTLED, documents}:
            print(_resident())


def _resident() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1024 / 1024


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ.setdefault("DEBUG", "1")
    django.setup()
    arguments = sys.argv[1:]
    if arguments and arguments[0].isalpha():
        live(arguments[0], int(arguments[1]))
    else:
        main(int(arguments[0]) if arguments else 1000)

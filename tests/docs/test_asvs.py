"""The table of ASVS 5.0: whole, and each test and document that it names is there."""

import re
from pathlib import Path

from tests.docs.test_docs import ROOT, text

VERDICTS = ("met", "not applicable", "open")
REQUIREMENTS = (Path(__file__).parent / "asvs-5.0-level-2.txt").read_text().split()


def rows() -> list[tuple[list[str], str, str]]:
    """Return the numbers of each row, its verdict, and what stands behind it."""
    found = re.findall(r"^\| ([\d., ]+) \| ([a-z ]+) \| (.+) \|$", text("docs/asvs.md"), re.M)
    return [(numbers.split(", "), verdict, why) for numbers, verdict, why in found]


def test_each_requirement_stands_there_once():
    named = [number for numbers, _, _ in rows() for number in numbers]
    assert named == REQUIREMENTS
    assert {verdict for _, verdict, _ in rows()} == set(VERDICTS)


def test_the_counts_are_right():
    counts = {
        verdict: sum(len(numbers) for numbers, one, _ in rows() if one == verdict)
        for verdict in VERDICTS
    }
    page = text("docs/asvs.md")
    assert f"All {len(REQUIREMENTS)} requirements" in page
    assert (
        f"{counts['met']} are met, {counts['not applicable']} are not applicable, "
        f"{counts['open']} are open."
    ) in page


def test_what_is_met_names_a_test_or_a_document_that_is_there():
    for numbers, verdict, why in rows():
        tests = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", why)
        for file, name in tests:
            assert re.search(rf"^def {name}\(", text(file), re.M), (numbers, name)
        documents = re.findall(r"\]\(([\w./-]+)\)", why)
        assert all((ROOT / "docs" / one).exists() for one in documents), numbers
        if verdict == "met":
            assert tests or documents, numbers


def test_each_test_that_the_tables_of_proofs_name_is_there():
    for page in ("docs/security.md", "docs/reliability.md"):
        for named in re.findall(r"`(tests/[\w/.-]+)`", text(page)):
            assert (ROOT / named).exists(), named

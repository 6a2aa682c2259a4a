"""A stranger finds a module: no folder of the product holds more than can be taken in at once."""

from collections import Counter

from tests.project import PRODUCT
from tests.services import ROOT

MOST = 12
DJANGOS = ("migrations", "commands")  # Django looks for these in one flat folder


def test_no_folder_holds_more_modules_than_a_reader_takes_in() -> None:
    found = Counter(
        module.parent.relative_to(ROOT)
        for room in PRODUCT
        for module in (ROOT / room).rglob("*.py")
        if module.name != "__init__.py" and module.parent.name not in DJANGOS
    )
    assert {folder.parts[0] for folder in found} == set(PRODUCT)
    too_many = {f"{folder}": n for folder, n in found.items() if n > MOST}
    assert too_many == {}, "Divide these folders, by what a stranger would look for."

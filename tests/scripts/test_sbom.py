"""The list of packages names what is installed in production, and nothing else."""

import re
import tomllib

from scripts import sbom
from tests.services import ROOT

REQUIREMENTS = (ROOT / "requirements.txt").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_every_pinned_package_is_named_once_with_its_version():
    made = sbom.document(REQUIREMENTS, PROJECT)
    named = {(one["name"], one["version"]) for one in made["components"]}
    pinned = [line.split(" ")[0] for line in REQUIREMENTS.splitlines() if re.match(r"\w.*==", line)]
    assert len(pinned) == len(made["components"]) == len(named) > 40
    for line in pinned:
        name, _, version = line.partition("==")
        assert (name.partition("[")[0], version.rstrip(";")) in named
    refs = [one["bom-ref"] for one in made["components"]]
    assert len(set(refs)) == len(refs)
    assert made["dependencies"][0]["dependsOn"] == refs
    assert all(re.fullmatch(r"pkg:pypi/[a-z0-9-]+@\S+", one["purl"]) for one in made["components"])


def test_the_same_requirements_give_the_same_document():
    one, again = (sbom.document(REQUIREMENTS, PROJECT) for _ in range(2))
    assert one == again
    other = sbom.document(REQUIREMENTS.replace("==", "==9", 1), PROJECT)
    assert other["serialNumber"] != one["serialNumber"]
    assert (one["bomFormat"], one["specVersion"]) == ("CycloneDX", "1.6")


def test_licenses_are_those_of_the_packages():
    made = sbom.document(REQUIREMENTS, PROJECT)
    known = [one for one in made["components"] if "licenses" in one]
    assert len(known) > len(made["components"]) * 0.8
    assert "licenses" not in sbom.document("no-such-package==1", PROJECT)["components"][0]

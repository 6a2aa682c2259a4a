"""What the portal is made of, as a CycloneDX document on standard output: `make sbom`.

It is made from requirements.txt, so it names exactly what is installed in production, and needs no
network. Licenses are those of the installed packages.
"""

import json
import re
import sys
import tomllib
import uuid
from importlib import metadata
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
_PINNED = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==([^\s;\\]+)", re.MULTILINE)


def document(requirements: str, project: dict[str, Any]) -> dict[str, Any]:
    """Return the document; the same requirements give the same one."""
    pinned = _PINNED.findall(requirements)
    ours = f"pkg:generic/{project['name']}@{project['version']}"
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, ours + requirements)}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": ours,
                "name": project["name"],
                "version": project["version"],
                "licenses": [{"expression": project["license"]}],
            }
        },
        "components": [_component(name, version) for name, version in pinned],
        "dependencies": [{"ref": ours, "dependsOn": [_purl(*one) for one in pinned]}],
    }


def _component(name: str, version: str) -> dict[str, Any]:
    component: dict[str, Any] = {
        "type": "library",
        "bom-ref": _purl(name, version),
        "name": name,
        "version": version,
        "purl": _purl(name, version),
    }
    if license_ := _license(name):
        component["licenses"] = [license_]
    return component


def _purl(name: str, version: str) -> str:
    return f"pkg:pypi/{re.sub(r'[-_.]+', '-', name).lower()}@{version}"


def _license(name: str) -> dict[str, Any] | None:
    try:
        about: Any = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return None
    if expression := about.get("License-Expression"):
        return {"expression": expression}
    classified = [one for one in about.get_all("Classifier") or () if one.startswith("License")]
    name = classified[-1].rpartition(" :: ")[2] if classified else about.get("License", "")
    return {"license": {"name": name}} if name and "\n" not in name else None


def main() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    made = document((ROOT / "requirements.txt").read_text(), project)
    json.dump(made, sys.stdout, indent=2)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()

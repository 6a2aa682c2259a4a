"""What is set up for the sign-in provider is checked before the portal starts with it."""

from typing import Any

import pytest
from django.conf import settings

from config.checks import read_json, unsafe

NAMES = [name for name in dir(settings) if name.isupper()]
GOOD = {
    "OIDC_ISSUER": "https://login.example.org/realms/agency",
    "OIDC_CLIENT_ID": "dovetail",
    "OIDC_ROLES": {"helpers": ["Support"], "bosses": "Administrator"},
    "OIDC_ORGANIZATIONS": {"agency": ["831"]},
}


def problems(**changes: Any) -> list[str]:
    return list(unsafe({name: getattr(settings, name) for name in NAMES} | GOOD | changes))


@pytest.mark.parametrize(
    "issuer", [GOOD["OIDC_ISSUER"], "http://localhost:9400", "http://127.0.0.1:9400/x", ""]
)
def test_a_good_set_up_has_no_problem(issuer: str):
    assert problems(OIDC_ISSUER=issuer) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OIDC_ISSUER", "http://login.example.org"),
        ("OIDC_ISSUER", "http://localhost.example.org:80"),
        ("OIDC_ISSUER", "login.example.org"),
        ("OIDC_CLIENT_ID", ""),
        ("OIDC_SECONDS", 3601),
        ("OIDC_SECONDS", 0),
        ("OIDC_ROLES", {}),
        ("OIDC_ROLES", read_json("helpers=Support")),
        ("OIDC_ROLES", read_json("[]")),
        ("OIDC_ROLES", {"helpers": 1}),
        ("OIDC_ORGANIZATIONS", {"agency": [831]}),
    ],
)
def test_a_wrong_value_is_named(name: str, value: Any):
    (problem,) = problems(**{name: value})
    assert problem.startswith(name)

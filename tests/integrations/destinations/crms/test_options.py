"""What an administrator may enter for a CRMS, and what is said when it cannot be."""

from pathlib import Path
from typing import Any

import pytest

from integrations.destinations.crms.options import CrmsOptions

GIVEN = {"base_url": "https://crms.example", "token": "secret"}


def errors(**options: Any) -> dict[str, list[str]]:
    return CrmsOptions({**GIVEN, **options}).errors


def test_the_guide_names_every_option_and_its_default() -> None:
    guide = Path("docs/connecting-crms.md").read_text(encoding="utf-8")
    for name, field in CrmsOptions.base_fields.items():
        if name not in ("base_url", "token"):
            assert str(field.label) in guide, name
            if isinstance(field.initial, str | int) and field.initial not in (True, "bearer"):
                assert str(field.initial) in guide, name


def test_address_and_token_are_enough() -> None:
    form = CrmsOptions(GIVEN)
    assert form.is_valid()
    assert form.cleaned_data["referrals_path"] == "/api/v1/referrals"
    assert form.cleaned_data["look_up"] is None
    assert form.cleaned_data["repeat_files"] is None
    assert form.declared == {}


@pytest.mark.parametrize("name", ["look_up", "repeat_files"])
@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (True, True),
        ("True", True),
        ("true", True),
        (False, False),
        ("False", False),
        ("not said", None),
        ("Not said", None),
    ],
)
def test_what_it_can_do_is_declared_or_not_stated(name: str, given: Any, kept: bool | None) -> None:
    form = CrmsOptions({**GIVEN, name: given}, initial={name: not kept})
    assert form.is_valid()
    assert form.cleaned_data[name] is kept
    assert form.declared == {name: kept}


@pytest.mark.parametrize("stored", [True, False, None])
@pytest.mark.parametrize("left_out", [{}, {"look_up": ""}, {"look_up": None}])
def test_what_is_not_named_stays_and_declares_nothing(stored: Any, left_out: Any) -> None:
    form = CrmsOptions({**GIVEN, **left_out}, initial={"look_up": stored})
    assert form.is_valid()
    assert form.cleaned_data["look_up"] is stored
    assert form.declared == {}


def test_without_a_token_nothing_is_stored() -> None:
    assert "token" in errors(token="")


def test_a_stored_token_does_not_follow_to_another_address() -> None:
    moved = {"base_url": "https://crms.attacker.example", "token": ""}
    form = CrmsOptions(moved, initial=GIVEN)
    assert form.errors == {"token": ["Enter the token again: it was for another address."]}


def test_a_stored_token_stays_when_only_the_path_changes() -> None:
    form = CrmsOptions({"base_url": "https://CRMS.example/v2", "token": ""}, initial=GIVEN)
    assert form.is_valid()
    assert form.cleaned_data["token"] == "secret"


def test_a_broken_address_is_the_only_thing_complained_of() -> None:
    form = CrmsOptions({"base_url": "https://[::1", "token": ""}, initial=GIVEN)
    assert list(form.errors) == ["base_url"]


@pytest.mark.parametrize(
    "address",
    [
        "https://crms.example",
        "https://crms.example:8443/tenant/birchwood/",
        "https://crms",
        "http://127.0.0.1:9009",
        "http://localhost:9009",
        "http://[::1]:9009",
    ],
)
def test_an_address_that_is_safe_is_taken(address: str) -> None:
    assert errors(base_url=address) == {}


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("crms.example", "starts with https://"),
        ("ftp://crms.example", "starts with https://"),
        ("https://", "starts with https://"),
        ("http://crms.example", "in clear"),
        ("http://10.0.0.7", "in clear"),
        ("http://127.0.0.1.crms.example", "in clear"),
        ("https://me:secret@crms.example", "user name and password"),
        ("https://crms.example/?token=1", "“?” or “#”"),
        ("https://crms.example:port", "not a web address"),
        ("https://[::1", "not a web address"),
    ],
)
def test_an_address_that_is_not_safe_is_explained(address: str, sentence: str) -> None:
    [message] = errors(base_url=address)["base_url"]
    assert sentence in message


@pytest.mark.parametrize("token", ["two words", "two\nlines", "naïve", "tab\tbed"])
def test_a_token_that_no_header_can_hold_is_explained(token: str) -> None:
    assert "Copy it again" in errors(token=token)["token"][0]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("auth", "password"),
        ("auth_header", "X API Key"),
        ("auth_header", "X-Key:"),
        ("ping_path", "ping"),
        ("referrals_path", "/with space"),
        ("attachments_path", "/referrals/attachments"),
        ("referral_link", "https://crms.example/inbox"),
        ("referral_link", "javascript:alert('{id}')"),
        ("id_field", "data..id"),
        ("read_seconds", 0),
        ("file_seconds", 3600),
        ("note_limit", 10),
        ("look_up", "perhaps"),
    ],
)
def test_an_option_that_cannot_work_is_refused(name: str, value: Any) -> None:
    assert list(errors(**{name: value})) == [name]


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        (["client.first_name"], "Write pairs"),
        ({"client.shoe_size": "shoe"}, "“client.shoe_size” is not a field"),
        ({"client.city": "two words"}, "“client.city”"),
        ({"client.city": ""}, "“client.city”"),
        ({"client.city": 7}, "“client.city”"),
        ({"client.city": "client.province"}, "used twice"),
        ({"client.city": "client"}, "used twice"),
        ({"client.city": "client.province.city"}, "used twice"),
    ],
)
def test_field_names_that_would_lose_something_are_refused(names: Any, sentence: str) -> None:
    [message] = errors(field_names=names)["field_names"]
    assert sentence in message


def test_fields_may_swap_their_names() -> None:
    swapped = {"client.city": "client.province", "client.province": "client.city"}
    assert errors(field_names=swapped) == {}


def test_the_parts_of_an_upload_may_have_other_names() -> None:
    assert errors(field_names={"file": "document", "sha256": "digest"}) == {}


def test_look_up_can_be_switched_off_in_a_file_and_in_the_admin() -> None:
    for off in (False, "False", "false"):
        form = CrmsOptions({**GIVEN, "look_up": off})
        assert form.is_valid()
        assert form.cleaned_data["look_up"] is False

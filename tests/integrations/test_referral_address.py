"""Where people open a referral at its source: a template, into which only a path part is put."""

import pytest
from django.core.exceptions import ValidationError

from integrations.models import Source, check_referral_address


@pytest.mark.parametrize(
    ("template", "reference", "address"),
    [
        ("https://c.example/r/{reference}", "42", "https://c.example/r/42"),
        (
            "https://c.example/?r={reference}&x=1",
            "a/b?c#d",
            "https://c.example/?r=a%2Fb%3Fc%23d&x=1",
        ),
        ("https://c.example/#/{reference}", '"><b>é', "https://c.example/#/%22%3E%3Cb%3E%C3%A9"),
        ("", "42", ""),
    ],
)
def test_the_reference_stands_in_its_place_and_changes_nothing_else(
    template: str, reference: str, address: str
):
    if template:
        check_referral_address(template)
    assert Source(referral_url=template).address_of(reference) == address


@pytest.mark.parametrize(
    "template",
    [
        "https://c.example/r/",
        "https://c.example/{reference}/{reference}",
        "https://c.example/{reference}/{id}",
        "https://{reference}.example/",
        "https://c.example:{reference}/",
        "https://me@c.example/{reference}",
        "http://c.example/{reference}",
        "javascript:alert({reference})",
        "//c.example/{reference}",
        "https:///{reference}",
        "https://[c.example/{reference}",
        "{reference}",
    ],
)
def test_what_is_no_address_of_referrals_is_refused(template: str):
    with pytest.raises(ValidationError):
        check_referral_address(template)

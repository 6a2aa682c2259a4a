"""A sandbox CRMS, and the CRMS destination connected to it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from integrations.destinations.crms.transport import CrmsTransport
from sandbox import Sandbox, running_sandbox

TOKEN = "sandbox-token"
RECORD = {
    "external_reference": "3502768696",
    "source": "Caredove",
    "client.first_name": "Mireille",
    "client.last_name": "Tremblay-Okafor",
    "client.date_of_birth": "1991-06-29",
    "referral_note": "Reason for referral: Anxiety and low mood since January",
}

Connect = Callable[..., CrmsTransport]


def connected(url: str, **options: Any) -> CrmsTransport:
    """Return the destination with the options that its form makes of these.

    What the sandbox can do is stated, unless None is given for it.
    """
    able = {"look_up": True, "repeat_files": True}
    form = CrmsTransport.OptionsForm({"base_url": url, "token": TOKEN, **able, **options})
    assert form.is_valid(), form.errors.as_json()
    return CrmsTransport(form.cleaned_data)


@pytest.fixture
def crms_sandbox() -> Iterator[Sandbox]:
    with running_sandbox(token=TOKEN, drip_seconds=0.2) as running:
        yield running


@pytest.fixture
def connect(crms_sandbox: Sandbox) -> Connect:
    return lambda **options: connected(crms_sandbox.url, **options)

"""What it means that there was no answer."""

import pytest

from core.outbound import (
    AddressRefused,
    Interrupted,
    NoAnswer,
    Obstacle,
    OutboundError,
    Unreachable,
)
from integrations.http.network import DOWN, delivery_error
from integrations.transport import Down, Misconfigured, TryAgain


@pytest.mark.parametrize("obstacle", Obstacle)
def test_each_obstacle_has_its_cause_and_its_remedy(obstacle: Obstacle):
    error = delivery_error(Unreachable("crms.example could not be reached.", "x", obstacle))
    assert isinstance(error, Down)
    assert error.kind == "down"
    assert not error.maybe_done
    assert error.remedy.endswith(".")
    assert error.reason == f"{error.cause}. {error.remedy}"
    assert obstacle in DOWN


def test_of_a_certificate_the_particular_fault_is_reported():
    why = "its certificate is not trusted (certificate has expired)"
    error = delivery_error(Unreachable("No.", why, Obstacle.CERTIFICATE))
    assert isinstance(error, Down)
    assert error.cause == why


@pytest.mark.parametrize(
    ("error", "kind", "maybe_done"),
    [
        (NoAnswer("No."), TryAgain, True),
        (Interrupted("No."), TryAgain, False),
        (AddressRefused("No."), Misconfigured, False),
        (OutboundError("No."), Misconfigured, False),
    ],
)
def test_what_was_on_its_way_is_tried_again(
    error: OutboundError, kind: type[Exception], maybe_done: bool
):
    found = delivery_error(error)
    assert type(found) is kind
    assert found.maybe_done is maybe_done
    assert found.kind == ("silent" if kind is TryAgain else "misaddressed")

"""Signed requests that were changed on their way: none is accepted, and none breaks anything."""

import json
import logging
import random
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from referrals.models import InboundEvent
from tests.referrals.api.sender import add_signing_secret, post, signed
from tests.world import World, plain

NOW = datetime(2026, 3, 11, 20, tzinfo=UTC)
SEED = 20261130
Request = tuple[dict[str, str], bytes]

# -- Ways to change a request ----------------------------------------------------------------------


def a_body(random: random.Random, headers: dict[str, str], body: bytes) -> Request:
    """Change, drop, or add a byte; cut the body; or send something before or after it."""
    at = random.randrange(len(body))
    new = bytes([random.randrange(256)])
    return headers, random.choice(
        [
            body[:at] + bytes([body[at] ^ 1 << random.randrange(8)]) + body[at + 1 :],
            body[:at] + body[at + 1 :],
            body[:at] + new + body[at:],
            body[: at or 1],  # with no body at all, the client would send no content type
            new + body,
            body + random.choice([b" ", b"\n", b"\0", new]),
        ]
    )


def a_header(random: random.Random, headers: dict[str, str], body: bytes) -> Request:
    """Change, drop, or add a character of one header; or leave the header out, or double it."""
    name = random.choice(list(headers))
    value = headers[name]
    at = random.randrange(len(value))
    new = chr(random.randrange(0x20, 0x7F))
    changed = random.choice(
        [
            value[:at] + new + value[at + 1 :],
            value[:at] + value[at + 1 :],
            value[:at] + new + value[at:],
            value[:at],
            value.swapcase(),
            value[::-1],
            f"{value},{value}",
            "",
        ]
    )
    return headers | {name: changed}, body


# The digits of other scripts, which `int` reads as ours.
OTHER_DIGITS = [
    {ord("0") + value: chr(zero + value) for value in range(10)}
    for zero in (0x0660, 0x06F0, 0x0966, 0xFF10, 0x1D7CE)
]


def as_sent(text: str) -> str:
    """Return a text as the web server hands the bytes of a header over."""
    return text.encode().decode("latin-1")


def a_timestamp(random: random.Random, headers: dict[str, str], body: bytes) -> Request:
    """Write the same time in another way, or another one near it."""
    seconds = headers["webhook-timestamp"]
    near = str(int(seconds) + random.choice([-1, 1]) * random.randrange(1, 300))
    forms = [f"{seconds}.0", f"+{seconds}", f"0{seconds}", f"{seconds}e0", f"{seconds}_0", near]
    forms += [f"-{seconds}", f"{seconds}000", f"{int(seconds):#x}", f"{seconds[:5]} {seconds[5:]}"]
    forms += [f"{seconds},{seconds}", f"{seconds}\x85", f"{seconds}\xa0"]
    forms += [as_sent(seconds.translate(digits)) for digits in OTHER_DIGITS]
    return headers | {"webhook-timestamp": random.choice(forms)}, body


def where_one_part_ends(random: random.Random, headers: dict[str, str], body: bytes) -> Request:
    """Move what is signed from one part of the request into the next one."""
    name, seconds = headers["webhook-id"], headers["webhook-timestamp"]
    cut = random.randrange(1, len(seconds))
    return random.choice(
        [
            (headers | {"webhook-id": f"{name}.{seconds}"}, body),
            (headers | {"webhook-id": f"{name}.{seconds[:cut]}"}, body),
            (headers | {"webhook-timestamp": seconds[cut:]}, body),
            (headers, f"{seconds}.".encode() + body),
            (headers | {"webhook-timestamp": name, "webhook-id": seconds}, body),
        ]
    )


def a_signature(random: random.Random, headers: dict[str, str], body: bytes) -> Request:
    """Write the same signature in another way, or name another version."""
    version, _, mac = headers["webhook-signature"].partition(",")
    twin = chr(ord(mac[-2]) ^ random.randrange(1, 4))
    forms = [
        f"{version},{mac[:-2]}{twin}=",
        f"{version},{mac.rstrip('=')}",
        f"{version},{mac}=",
        f"V1,{mac}",
        f"v1a,{mac}",
        f"v2,{mac}",
        mac,
        f"{version}, {mac}",
        f"{version},{mac},{mac}",
        f"{version},{mac}\xa0",
        f"v2,{mac} {version},{mac[:-2]}{twin}=",
        as_sent(f"{version}，{mac}"),
    ]
    return headers | {"webhook-signature": random.choice(forms)}, body


MUTATIONS: list[Callable[[random.Random, dict[str, str], bytes], Request]] = [
    a_body,
    a_header,
    a_timestamp,
    where_one_part_ends,
    a_signature,
]


def is_the_same(one: Request, other: Request) -> bool:
    """Return whether two requests say the same: a list may hold more than the good signature."""

    def outcome_of(request: Request) -> tuple[list[str], bool, bytes]:
        headers, body = request
        plain = [headers[name].strip() for name in ("webhook-id", "webhook-timestamp")]
        return plain, good in headers["webhook-signature"].split(" "), body

    good = one[0]["webhook-signature"]
    return outcome_of(one) == outcome_of(other)


# -- What comes of it ------------------------------------------------------------------------------


def mutated(world: World, count: int, seed: int) -> None:
    """Send so many changed requests; then the one that they were made of, which is accepted."""
    add_signing_secret(world.source)
    rng = random.Random(seed)
    with time_machine.travel(NOW, tick=False):
        body = json.dumps(plain()).encode()
        sent: Request = (signed(body), body)
        answers: dict[int, int] = {}
        while sum(answers.values()) < count:
            change = rng.choice(MUTATIONS)
            request = change(rng, *sent)
            if is_the_same(sent, request):
                continue
            status = post(request[1], Authorization="", **request[0]).status_code
            answers[status] = answers.get(status, 0) + 1
            assert status == 401, f"{change.__name__} of seed {seed}: {status}, {request}"
        assert not InboundEvent.objects.exists()
        assert post(body, Authorization="", **sent[0]).status_code == 202


@pytest.mark.slow
def test_a_changed_request_is_refused(world: World):
    mutated(world, 500, SEED)


@pytest.mark.whole
def test_100_000_changed_requests_are_refused(world: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(logging.root.manager, "disable", logging.WARNING)  # a line for each of them
    mutated(world, 100_000, random.SystemRandom().randrange(2**32))


def test_a_request_that_is_sent_again_has_no_effect_and_later_is_refused(world: World):
    add_signing_secret(world.source)
    body = json.dumps(plain()).encode()
    with time_machine.travel(NOW, tick=False) as clock:
        headers = signed(body)
        assert post(body, Authorization="", **headers).status_code == 202
        for seconds, expected in ((1, 200), (300, 200), (301, 401), (86_400, 401)):
            clock.move_to(NOW + timedelta(seconds=seconds))
            assert post(body, Authorization="", **headers).status_code == expected, seconds
    assert InboundEvent.objects.count() == 1


def test_while_secrets_are_replaced_nothing_valid_is_refused(world: World):
    """What was signed with either secret is accepted while both are there."""
    old, new = b"o" * 32, b"n" * 32
    add_signing_secret(world.source, "whsec_" + b64encode(old).decode())

    def send(number: int, key: bytes) -> int:
        body = json.dumps(plain(number=number)).encode()
        answer = post(body, Authorization="", **signed(body, key=key))
        status: int = answer.status_code
        return status

    assert (send(1, old), send(2, new)) == (202, 401)
    add_signing_secret(world.source, "whsec_" + b64encode(new).decode())
    assert (send(3, old), send(4, new)) == (202, 202)
    world.source.credentials.filter(scheme="signature").order_by("pk")[0].delete()
    assert (send(5, old), send(6, new)) == (401, 202)

"""What a production setting has to be like before Dovetail starts with it."""

import json
import os
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.core.checks import CheckMessage, Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured

from config import secrets

KEY_BYTES = 32
WIDEST = {4: 12, 6: 32}  # bits of a network's prefix
MAX_SESSION = 24 * 3600  # seconds
_LOOPBACK = re.compile(r"(.+\.)?localhost|127\.\d+\.\d+\.\d+|\[::1\]")
NEW_SIGNING_KEY = 'python3 -c "import secrets; print(secrets.token_urlsafe(50))"'
NEW_ENCRYPTION_KEY = (
    'python3 -c "import base64, secrets; '
    'print(base64.urlsafe_b64encode(secrets.token_bytes(32)).decode())"'
)


class UnsafeSettings(ImproperlyConfigured):
    """Settings that Dovetail does not start with; the message is for the person who set them."""


def refuse_unsafe(settings: Mapping[str, Any]) -> None:
    """Raise UnsafeSettings when settings are unsafe for production.

    The message names every such setting and what to do about it, and shows no value.
    """
    problems = list(unsafe(settings))
    if problems:
        raise UnsafeSettings(
            "Dovetail does not start with unsafe settings:\n"
            + "\n".join(f"- {problem}" for problem in problems)
            + "\n.env.example explains each setting. On a developer's machine, set DEBUG=true."
        )


def unsafe(settings: Mapping[str, Any]) -> Iterator[str]:
    """Yield one sentence for each setting that is unsafe, beginning with its name."""
    key = settings["SECRET_KEY"]
    if not key:
        yield f"SECRET_KEY is missing. Make one: {NEW_SIGNING_KEY}"
    elif len(key) < 50 or len(set(key)) < 5 or "insecure" in key:
        yield f"SECRET_KEY can be guessed: too short, too plain, or an example. {NEW_SIGNING_KEY}"
    yield from _encryption_keys(settings["ENCRYPTION_KEYS"])
    hosts = settings["ALLOWED_HOSTS"]
    if not hosts:
        yield "ALLOWED_HOSTS is empty. Name the hosts under which the portal is reached."
    if "*" in hosts:
        yield "ALLOWED_HOSTS holds '*', which lets anyone forge the host. Name the hosts."
    yield from _times(settings)
    yield from _provider(settings)


def only_loopback(hosts: Sequence[str]) -> bool:
    """Return whether every host is a name of this machine for itself."""
    return all(_LOOPBACK.fullmatch(host) for host in hosts)


def read_json(text: str) -> Any:
    """Return what a setting holds in JSON; None when it is no JSON, which `unsafe` then names."""
    try:
        return json.loads(text)
    except ValueError:
        return None


def read_secret(environment: Mapping[str, str], name: str) -> str:
    """Return a secret by whichever of its names it is set. Raises UnsafeSettings."""
    try:
        return secrets.read(environment, name)
    except secrets.NotRead as error:
        raise UnsafeSettings(f"Dovetail does not start:\n- {error}") from None


def key_in(file: Path) -> str:
    """Return the encryption key in a file, which is made with a new one where there is none."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with suppress(FileExistsError):
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "w") as out:
            out.write(urlsafe_b64encode(os.urandom(KEY_BYTES)).decode())
    return file.read_text().strip()


def _encryption_keys(keys: Sequence[str]) -> Iterator[str]:
    if not keys:
        yield f"ENCRYPTION_KEYS is missing. Make one, and keep a copy: {NEW_ENCRYPTION_KEY}"
    for number, key in enumerate(keys, start=1):
        name = f"ENCRYPTION_KEYS: key {number} of {len(keys)}"
        raw = _decoded(key)
        if len(raw) != KEY_BYTES:
            yield f"{name} is not URL-safe base64 of 32 bytes. Make one: {NEW_ENCRYPTION_KEY}"
        elif len(set(raw)) < KEY_BYTES // 4:
            yield f"{name} is not random. Make one: {NEW_ENCRYPTION_KEY}"
    if len(set(keys)) < len(keys):
        yield "ENCRYPTION_KEYS names the same key twice. Remove one."


def _decoded(key: str) -> bytes:
    """Return the bytes of an encryption key; nothing when it is not URL-safe base64."""
    try:
        raw = urlsafe_b64decode(key)
    except ValueError:
        return b""
    return raw if urlsafe_b64encode(raw).decode() == key else b""


def _times(settings: Mapping[str, Any]) -> Iterator[str]:
    schedule = [pause.total_seconds() for pause in settings["RETRY_SCHEDULE"]]
    if not schedule or min(schedule) < 0:
        yield "RETRY_SCHEDULE needs at least one pause, and none below zero."
    if settings["SETTLE_TIME"].total_seconds() < 0:
        yield "SETTLE_SECONDS is below zero."
    if settings["LEASE_TIME"].total_seconds() <= 0:
        yield "LEASE_SECONDS has to be more than zero."
    if settings["STOP_SECONDS"] <= 0:
        yield "STOP_SECONDS has to be more than zero."
    for name in ("SESSION_IDLE_SECONDS", "SESSION_COOKIE_AGE"):
        if not 60 <= settings[name] <= MAX_SESSION:
            shown = "SESSION_SECONDS" if name == "SESSION_COOKIE_AGE" else name
            yield f"{shown} has to be from 60 to {MAX_SESSION}: a session ends within a day."
    if settings["AUDIT_DAYS"] < 0:
        yield "AUDIT_DAYS is below zero. With 0, the audit trail is kept for good."
    if settings["MAX_BODY_BYTES"] <= 0:
        yield "MAX_BODY_BYTES has to be more than zero."


def _provider(settings: Mapping[str, Any]) -> Iterator[str]:
    if not settings["OIDC_ISSUER"]:
        return
    issuer = urlsplit(settings["OIDC_ISSUER"])
    if issuer.scheme != "https" and not _LOOPBACK.fullmatch(issuer.netloc.rpartition(":")[0]):
        yield "OIDC_ISSUER has to begin with https://: what it sends is trusted for that alone."
    if not settings["OIDC_CLIENT_ID"]:
        yield "OIDC_CLIENT_ID is missing. The provider gives one to each portal."
    if not 60 <= settings["OIDC_SECONDS"] <= 3600:
        yield "OIDC_SECONDS has to be from 60 to 3600: a role removed there is gone in an hour."
    for name in ("OIDC_ROLES", "OIDC_ORGANIZATIONS"):
        if not _gives_names(settings[name]):
            yield f'{name} is not like {{"group": ["name"]}}, in JSON.'
    if settings["OIDC_ROLES"] == {}:
        yield "OIDC_ROLES is empty: nobody who signs in at the provider would have a role."


def _gives_names(by_group: Any) -> bool:
    """Return whether a setting holds a name, or a list of names, for each group."""
    if not isinstance(by_group, dict):
        return False
    given = [[one] if isinstance(one, str) else one for one in by_group.values()]
    return all(isinstance(one, list) and all(isinstance(n, str) for n in one) for one in given)


@register(Tags.security, deploy=True)
def loopback_is_closed(**kwargs: Any) -> list[CheckMessage]:
    """Warn when a portal that others reach may be made to call services of its own machine."""
    from django.conf import settings

    if not settings.ALLOW_LOOPBACK or only_loopback(settings.ALLOWED_HOSTS):
        return []
    return [
        Warning(
            "ALLOW_LOOPBACK is on, and the portal is reached from other machines.",
            hint="Whoever sets up a destination can reach services of this machine. Unset it.",
            id="config.W001",
        )
    ]


@register(Tags.security, deploy=True)
def a_second_factor_is_asked_for(**kwargs: Any) -> list[CheckMessage]:
    """Warn when a password alone opens a portal that others reach."""
    from django.conf import settings

    if settings.REQUIRE_SECOND_FACTOR or only_loopback(settings.ALLOWED_HOSTS):
        return []
    return [
        Warning(
            "REQUIRE_SECOND_FACTOR is off, and the portal is reached from other machines.",
            hint="Whoever learns a password reads every referral of its account. Unset it.",
            id="config.W002",
        )
    ]


@register(Tags.security, deploy=True)
def private_networks_are_narrow(**kwargs: Any) -> list[CheckMessage]:
    """Warn of ALLOWED_PRIVATE_NETWORKS that hold more than a site of one's own does."""
    from django.conf import settings

    wide = [name for name in settings.ALLOWED_PRIVATE_NETWORKS if _is_wide(name)]
    return [
        Warning(
            f"ALLOWED_PRIVATE_NETWORKS holds {', '.join(wide)}, which is more than one site.",
            hint="Whoever sets up a destination reaches all of it. Name the networks of yours.",
            id="config.W003",
        )
    ] if wide else []  # fmt: skip


def _is_wide(network: str) -> bool:
    try:
        found = ip_network(network, strict=False)
    except ValueError:
        return True
    return found.prefixlen < WIDEST[found.version]

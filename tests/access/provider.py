"""A real provider of OpenID Connect in a thread, and people who sign in at it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests
from django.test import Client
from django.urls import reverse

LOGIN = reverse("openid_connect_login", kwargs={"provider_id": "provider"})


class Provider:
    """The provider, seen from a test: who is known there, and with which claims."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer

    def knows(self, sub: str, **claims: Any) -> None:
        """Let somebody be known there, with these claims instead of earlier ones."""
        requests.put(f"{self.issuer}/users/{sub}", json=claims, timeout=5).raise_for_status()

    def answer(self, address: str, sub: str) -> str:
        """Sign in there as `sub`; return where the provider sends the browser back to."""
        data = {"sub": sub} if sub else {"action": "deny"}
        answered = requests.post(address, data=data, allow_redirects=False, timeout=5)
        back = answered.headers["Location"]
        if sub:
            return back
        (state,) = parse_qs(urlsplit(address).query)["state"]
        return f"{back}&state={state}"  # this provider leaves it out when it is denied

    def sign_in(self, client: Client, sub: str) -> Any:
        """Return the portal's answer when somebody comes back from there."""
        return client.get(self.answer(client.get(LOGIN)["Location"], sub))


@contextmanager
def running() -> Iterator[Provider]:
    """Run a provider for as long as the block takes."""
    from oidc_provider_mock import run_server_in_thread

    os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"  # this machine alone hears it
    with run_server_in_thread() as server:
        yield Provider(f"http://localhost:{server.server_port}")

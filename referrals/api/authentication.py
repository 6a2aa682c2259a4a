"""Which source sends this request: HTTP Basic, a Standard Webhooks signature, or both.

A source with a signing secret is not believed on Basic alone. A credential is good for its source's
kind alone: at the addresses of another kind it is as good as none.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import Exists, OuterRef
from django.http import HttpRequest
from django.utils.translation import gettext as _

from access import tokens
from access.models import ApiToken
from core.web import ratelimit
from core.web.requests import client_ip
from integrations.models import Organization, Source, SourceCredential
from integrations.sources import SourceKind, auth
from integrations.sources.responses import Problem
from referrals.api.bodies import Body
from referrals.api.problems import slow_down

CHALLENGE = {"WWW-Authenticate": 'Basic realm="Dovetail", charset="UTF-8"'}
TOKEN_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="Dovetail", error="invalid_token"'}
SIGNATURE_HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")

Kinds = Mapping[str, SourceKind]


def authenticate(request: HttpRequest, body: Body, kinds: Kinds) -> Source:
    """Return the source, of one of these kinds, whose credentials the request carries.

    Raises Problem 401 or 403.
    """
    authorization = request.headers.get("Authorization", "")
    if authorization:
        credential = _by_secret(authorization, client_ip(request) or "unknown", kinds)
        source: Source = credential.source
        source.is_limited = credential.is_limited
        if credential.signs and not _is_signed(request, body, source):
            raise _unauthorized(
                _("This source signs its requests, and the signature is not valid.")
            )
    else:
        source = _by_signature(request, body, kinds)
    if not source.active:
        raise Problem(403, _("This source is switched off."))
    return source


def token_of(request: HttpRequest) -> ApiToken | None:
    """Return the API token that the request carries; None when it carries another credential.

    Raises Problem 401 or 429.
    """
    secret = tokens.read_bearer(request.headers.get("Authorization", ""))
    if secret is None:
        return None
    address = client_ip(request) or "unknown"
    token = tokens.find(secret)
    if token is None:  # a good one is heard whoever else guesses: its hash costs nothing
        slow_down(ratelimit.seconds_until_heard(address), _("Too many wrong credentials."))
        ratelimit.count_refusal(address)
        raise Problem(
            401, _("The API token is not valid, or has expired."), headers=TOKEN_CHALLENGE
        )
    slow_down(ratelimit.seconds_to_wait(f"token:{token.pk}"), _("Too many requests."))
    return token


# What else is asked of a source, in the statement that finds its credential.
_SIGNS = SourceCredential.objects.filter(
    source=OuterRef("source"), scheme=SourceCredential.Scheme.SIGNATURE, active=True
)
_LIMITS = Organization.objects.filter(source=OuterRef("source"))


def _by_secret(authorization: str, address: str, kinds: Kinds) -> Any:
    """Return the credential with its source, whether that signs, and whether it is limited."""
    read = (kind.read_authorization(authorization) for kind in kinds.values())
    presented = next(filter(None, read), None)
    if presented is None:
        raise _unauthorized(_("The Authorization header is not HTTP Basic."))
    key, secret = presented
    credential = (
        SourceCredential.objects.select_related("source")
        .annotate(signs=Exists(_SIGNS), is_limited=Exists(_LIMITS))
        .filter(scheme=SourceCredential.Scheme.BASIC, key=key, active=True, source__kind__in=kinds)
        .order_by("pk")  # not by source, as the admin shows them: that costs more than the query
        .first()
    )
    # An unknown key, or one of another kind, costs the same time as a wrong secret.
    stored = credential.secret_hash if credential else auth.NO_SECRET
    if auth.is_costly(secret, stored):  # a sender that was right before is always heard
        slow_down(ratelimit.seconds_until_heard(address), _("Too many wrong credentials."))
    if not auth.verify_secret(secret, stored) or credential is None:
        ratelimit.count_refusal(address)
        raise _unauthorized(_("The key id or the secret is not valid."))
    return credential


def _by_signature(request: HttpRequest, body: Body, kinds: Kinds) -> Source:
    if not all(request.headers.get(name) for name in SIGNATURE_HEADERS):
        raise _unauthorized(_("Send HTTP Basic credentials or a Standard Webhooks signature."))
    for source in _signing_sources(kinds):
        if _is_signed(request, body, source):
            return source
    raise _unauthorized(
        _("The signature is not valid, or its timestamp is more than 5 minutes off.")
    )


def _signing_sources(kinds: Kinds) -> Iterable[Source]:
    return Source.objects.filter(
        kind__in=kinds,
        credentials__scheme=SourceCredential.Scheme.SIGNATURE,
        credentials__active=True,
    ).distinct()


def _is_signed(request: HttpRequest, body: Body, source: Source) -> bool:
    """Return whether the source has signed the body as it came, or as it was before gzip."""
    headers = {name: request.headers.get(name, "") for name in SIGNATURE_HEADERS}
    signing = source.credentials.filter(scheme=SourceCredential.Scheme.SIGNATURE, active=True)
    stored = signing.order_by("pk").values_list("signing_secret", flat=True)
    secrets = [secret or "" for secret in stored]
    if auth.check_signature(headers, body.sent, secrets):
        return True
    # Many sign first and leave it to their HTTP client, or to a proxy, to zip what goes out.
    return body.is_gzip and auth.check_signature(headers, body.unzipped, secrets)


def _unauthorized(detail: str) -> Problem:
    return Problem(401, detail, headers=CHALLENGE)

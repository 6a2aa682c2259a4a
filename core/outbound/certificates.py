"""Whom to trust over TLS: HTTP and every other protocol alike."""

import ssl
import tempfile
from functools import lru_cache
from pathlib import Path

import certifi
from django.conf import settings


def tls_context(sort: type[ssl.SSLSocket] = ssl.SSLSocket) -> ssl.SSLContext:
    """Return what checks certificates by `authorities`, and makes sockets of this class."""
    return _tls_context(authorities(), sort)  # type: ignore[arg-type]  # a class is hashable


@lru_cache(maxsize=8)  # to read all authorities takes long
def _tls_context(trusted: str, sort: type[ssl.SSLSocket]) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=trusted)
    context.sslsocket_class = sort
    return context


def authorities() -> str:
    """Return the file of the authorities that are trusted: the public ones, and CA_BUNDLE."""
    found = _authorities(settings.CA_BUNDLE)
    if not Path(found).exists():  # some systems clear their temporary files away
        _authorities.cache_clear()
        found = _authorities(settings.CA_BUNDLE)
    return found


@lru_cache(maxsize=4)
def _authorities(extra: str) -> str:
    if not extra:
        return certifi.where()
    with tempfile.NamedTemporaryFile("wb", prefix="dovetail-authorities-", delete=False) as file:
        file.write(Path(certifi.where()).read_bytes() + b"\n" + Path(extra).read_bytes())
    return file.name

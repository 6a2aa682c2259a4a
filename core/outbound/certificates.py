"""Whom to trust over TLS, for protocols of their own: as HTTP does."""

import ssl
import tempfile
from functools import lru_cache
from pathlib import Path

import certifi
from django.conf import settings


def tls_context() -> ssl.SSLContext:
    """Return what checks a certificate by the public authorities, and those of CA_BUNDLE."""
    return ssl.create_default_context(cafile=authorities())


def authorities() -> str:
    """Return the file of the authorities that are trusted."""
    return _authorities(settings.CA_BUNDLE)


@lru_cache(maxsize=4)
def _authorities(extra: str) -> str:
    if not extra:
        return certifi.where()
    with tempfile.NamedTemporaryFile("wb", prefix="dovetail-authorities-", delete=False) as file:
        file.write(Path(certifi.where()).read_bytes() + b"\n" + Path(extra).read_bytes())
    return file.name

"""New credentials for a source, as Dovetail makes them.

The secret is returned once, for whoever sets the sender up; what is kept is a hash of it, or, for
a signing secret, its encrypted form.
"""

import secrets
from base64 import b64encode

from django.utils.text import slugify

from integrations.models import Source, SourceCredential
from integrations.sources.auth import hash_secret

SECRET_BYTES = 32
Scheme = SourceCredential.Scheme


def add_basic(source: Source) -> tuple[SourceCredential, str]:
    """Give the source one more HTTP Basic credential; return it with its secret."""
    secret = secrets.token_hex(SECRET_BYTES)  # safe on a command line
    key = f"{slugify(source.name)[:80] or 'source'}-{secrets.token_hex(4)}"
    credential = source.credentials.create(
        scheme=Scheme.BASIC, key=key, secret_hash=hash_secret(secret)
    )
    return credential, secret


def add_signing_secret(source: Source) -> tuple[SourceCredential, str]:
    """Give the source one more Standard Webhooks secret; return the credential with it."""
    secret = "whsec_" + b64encode(secrets.token_bytes(SECRET_BYTES)).decode()
    return source.credentials.create(scheme=Scheme.SIGNATURE, signing_secret=secret), secret

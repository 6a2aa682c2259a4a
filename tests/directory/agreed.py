"""Data partners for tests, and what they read: `agreed.reader(exclude_fields=["contact"])`."""

from itertools import count
from typing import Any

from django.test import Client

from directory.data_partners import tokens
from directory.models import DataPartner
from directory.views import agreements

_names = count(1)


def partner(**fields: Any) -> DataPartner:
    """Return a data partner with an agreement; without more, it sees what is public."""
    made = DataPartner(**{"name": f"Partner {next(_names)}", "rate": 100_000} | fields)
    agreements.save(made)
    return made


def change(made: DataPartner, **fields: Any) -> None:
    """Save another agreement."""
    for name, value in fields.items():
        setattr(made, name, value)
    agreements.save(made)


def client(of: DataPartner) -> Client:
    """Return a client that sends a token of the data partner with each request."""
    return Client(headers={"Authorization": f"Bearer {tokens.make(of)}"})


def reader(**fields: Any) -> Client:
    """Return a client of a new data partner."""
    return client(partner(**fields))

"""The mapping that ships with CRMS."""

from typing import Any

import pytest

from integrations import destinations
from mapping.editing import exchange
from mapping.models import Mapping


@pytest.fixture
def shipped_data() -> dict[str, Any]:
    data = destinations.default_mapping("crms")
    assert data is not None
    return data


@pytest.fixture
def shipped(db: None, shipped_data: dict[str, Any]) -> Mapping:
    return exchange.install_shipped("crms", shipped_data)

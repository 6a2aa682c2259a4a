"""A directory in English and French, with its two public views."""

from typing import Any

import pytest

from directory.models import Directory, View
from tests.directory import make


@pytest.fixture
def directory(db: Any) -> Directory:
    for name in View.Name.values:
        View.objects.create(name=name)
    return make.directory()

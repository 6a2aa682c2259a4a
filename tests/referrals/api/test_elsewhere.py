"""Messages of other countries' booking and referral services: stored or refused, never a 5xx."""

import json

import pytest

from tests.integrations.sources.caredove.test_elsewhere import FILES, adopted
from tests.referrals.api.sender import FHIR, post
from tests.world import World

JSON = "application/fhir+json"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_as_it_is_it_is_stored_or_refused(world: World, file):
    answer = post(file.read_bytes(), FHIR, JSON)
    assert answer.status_code in (200, 400)
    assert answer.json()["resourceType"] == "OperationOutcome"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_with_a_reference_and_a_listing_it_is_stored(world: World, file):
    assert post(adopted(json.loads(file.read_bytes())), FHIR, JSON).status_code == 200

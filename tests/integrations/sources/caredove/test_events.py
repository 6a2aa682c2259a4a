import pytest

from integrations.sources.caredove.events import (
    LABELS,
    PLAIN_KINDS,
    classification,
    fhir_kind,
    plain_kind,
)
from integrations.sources.parsed import EventKind
from integrations.triggers import CLOSED_TRIGGERS, TRIGGER_KEYS
from mapping.source.document import CLASSIFICATIONS


@pytest.mark.parametrize("event_type", PLAIN_KINDS)
def test_every_plain_event_type_is_known(event_type):
    assert plain_kind(event_type) is not EventKind.UNKNOWN
    assert plain_kind(event_type.upper()) is plain_kind(event_type)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("add-service-request", EventKind.RECEIVED),
        ("notify-add-service-request", EventKind.RECEIVED),
        ("notify-add-process-request", EventKind.RECEIVED),
        ("notify-update-service-request", EventKind.EDITED),
        ("update-service-request", EventKind.EDITED),
        ("notify-data-correction", EventKind.EDITED),
        ("notify-update-process-request", EventKind.STATUS_CHANGED),
        ("notify-add-appointment", EventKind.APPOINTMENT),
        ("notify-update-appointment", EventKind.APPOINTMENT),
        ("notify-cancel-appointment", EventKind.APPOINTMENT),
        ("send-communication-from-provider", EventKind.MESSAGE_FROM_PROVIDER),
        ("send-communication-from-requester", EventKind.MESSAGE_FROM_REQUESTER),
        ("send-communication-to-provider", EventKind.MESSAGE_FROM_REQUESTER),
        ("send-communication", EventKind.MESSAGE),
        ("revoke-service-request", EventKind.REVOKED),
        ("notify-revoke-service-request", EventKind.REVOKED),
        ("cds-service-request", EventKind.IGNORED),
        ("Notify-Add-Service-Request", EventKind.RECEIVED),
        ("notify-something-new", EventKind.UNKNOWN),
        ("", EventKind.UNKNOWN),
    ],
)
def test_a_fhir_event_code_means_one_kind(code, kind):
    assert fhir_kind(code) is kind


def test_an_update_whose_reason_states_archived_is_an_archiving():
    assert fhir_kind("notify-update-service-request", "Referral archived") is EventKind.ARCHIVED
    assert fhir_kind("notify-update-service-request", "Edited") is EventKind.EDITED
    assert fhir_kind("notify-add-service-request", "Archived") is EventKind.RECEIVED


@pytest.mark.parametrize("word", ["In Progress", "in-progress", "in_progress", " IN  PROGRESS "])
def test_a_classification_is_recognised_however_it_is_written(word):
    assert classification(word) == "in-progress"


def test_the_classifications_are_those_of_the_document():
    assert tuple(LABELS) == CLASSIFICATIONS


def test_each_closed_classification_fires_a_trigger_that_exists():
    assert set(CLOSED_TRIGGERS) <= set(CLASSIFICATIONS)
    assert set(CLOSED_TRIGGERS.values()) < set(TRIGGER_KEYS)

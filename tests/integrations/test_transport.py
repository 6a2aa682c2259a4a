"""What a destination says stays out of logs: neither `str()` nor `repr()` of an error holds it."""

import logging

import pytest

from integrations import transport
from integrations.transport import DeliveryError, Document, Down, Exchange, Parcel, Receipt

PERSON = "Mireille Tremblay"


def kinds_of(error: type[DeliveryError]) -> list[type[DeliveryError]]:
    return [error, *(kind for one in error.__subclasses__() for kind in kinds_of(one))]


ERRORS = [kind for kind in kinds_of(DeliveryError) if kind.__module__ == transport.__name__]


def error_of(kind: type[DeliveryError]) -> DeliveryError:
    if kind is Down:
        return Down(PERSON, cause=PERSON, remedy=PERSON)
    return kind(PERSON, Exchange("HTTP 422", {"X-Person": PERSON}, PERSON))


@pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: kind.__name__)
def test_an_error_keeps_its_words_to_itself(
    kind: type[DeliveryError], caplog: pytest.LogCaptureFixture
) -> None:
    error = error_of(kind)
    assert error.message == PERSON
    logging.getLogger("destination").error("refused: %s %r", error, error, exc_info=error)
    assert "refused" in caplog.text
    for shown in (str(error), repr(error), str(error.args), caplog.text):
        assert PERSON not in shown


def test_what_is_delivered_is_not_shown_either() -> None:
    class Ledger:
        def __repr__(self) -> str:
            return PERSON

    document = Document("a1", "a.pdf", "attachment", "", 1, "", open=lambda: PERSON)
    parcel = Parcel("1", {"client.last_name": PERSON}, (document,), Ledger())  # type: ignore[arg-type]
    receipt = Receipt("RF-1", detail=Exchange("HTTP 200", {}, PERSON), refused={PERSON: PERSON})
    assert PERSON not in repr((document, parcel, receipt))

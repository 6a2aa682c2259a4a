"""No answer at all: what it means for a delivery, and what an administrator can do about it."""

from core import outbound
from core.outbound import Obstacle
from integrations import sentences
from integrations.transport import DeliveryError, Down, ErrorKind, Misconfigured, TryAgain

# Why nothing could be sent, as a clause, and the remedy.
DOWN = {
    Obstacle.NAME: (sentences.DOWN_NAME, sentences.CHECK_NAME),
    Obstacle.REFUSED: (sentences.DOWN_REFUSED, sentences.CHECK_PORT),
    Obstacle.ROUTE: (sentences.DOWN_ROUTE, sentences.CHECK_ROUTE),
    Obstacle.SLOW: (sentences.DOWN_SLOW, sentences.CHECK_FIREWALL),
    Obstacle.CERTIFICATE: (sentences.DOWN_CERTIFICATE, sentences.CHECK_CERTIFICATE),
    Obstacle.TLS: (sentences.DOWN_TLS, sentences.CHECK_TLS),
    Obstacle.CLOSED: (sentences.DOWN_CLOSED, sentences.CHECK_ADMITTANCE),
    Obstacle.OTHER: (sentences.DOWN_OTHER, sentences.CHECK_ADDRESS),
}


def delivery_error(error: outbound.OutboundError) -> DeliveryError:
    """Return what it means that a request brought no answer.

    Down: not a byte went out. TryAgain: it was on its way; `maybe_done` when it may have arrived.
    Misconfigured: it may not be sent to this address at all.
    """
    match error:
        case outbound.Interrupted() | outbound.NoAnswer():
            return TryAgain(error.message, kind=ErrorKind.SILENT, maybe_done=error.maybe_sent)
        case outbound.Unreachable():
            return _down(error)
        case _:
            return Misconfigured(error.message)


def _down(error: outbound.Unreachable) -> Down:
    clause, remedy = (cause() for cause in DOWN[error.obstacle])
    problem = error.why if error.obstacle is Obstacle.CERTIFICATE else ""
    return Down(error.message, cause=problem or clause, remedy=remedy)

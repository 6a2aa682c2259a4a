"""No answer at all: what it means for a delivery, and what an administrator can do about it."""

from core import outbound
from core.outbound import Obstacle
from integrations.transport import DeliveryError, Down, ErrorKind, Misconfigured, TryAgain

# Why nothing could be sent, as a clause, and the remedy.
DOWN = {
    Obstacle.NAME: (
        "its name could not be resolved",
        "Check the address, and whether this machine's name server knows it.",
    ),
    Obstacle.REFUSED: (
        "it refused the connection",
        "Check whether it is running, and the port in its address.",
    ),
    Obstacle.ROUTE: (
        "there is no route to it",
        "Check the network and the firewall between this machine and it.",
    ),
    Obstacle.SLOW: (
        "it did not answer in time",
        "Check whether it is running, and the firewall between this machine and it.",
    ),
    Obstacle.CERTIFICATE: (
        "its certificate is not trusted",
        "Have the certificate renewed or corrected there. Where it is signed by an authority of "
        "your own, name that in CA_BUNDLE.",
    ),
    Obstacle.TLS: (
        "the TLS connection failed",
        "Check whether its address and port really speak https, with TLS 1.2 or newer.",
    ),
    Obstacle.CLOSED: (
        "it closed the connection before anything was sent",
        "Check whether it is running, and whether it admits this machine.",
    ),
    Obstacle.OTHER: (
        "the connection failed",
        "Check its address, and whether it is running.",
    ),
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
    clause, remedy = DOWN[error.obstacle]
    if error.obstacle is Obstacle.CERTIFICATE and error.why:
        clause = error.why
    return Down(error.message, cause=clause, remedy=remedy)

"""What can go wrong outside. Messages are sentences for people, without personal data."""

from enum import StrEnum


class Obstacle(StrEnum):
    """What stood in the way of a connection."""

    NAME = "name"
    REFUSED = "refused"
    ROUTE = "route"
    SLOW = "slow"
    CERTIFICATE = "certificate"
    TLS = "tls"
    CLOSED = "closed"
    OTHER = "other"


class OutboundError(Exception):
    """A call that brought no usable answer.

    `message` names the host, never a path, query, header or body. `maybe_sent` says whether the
    whole request may have reached the other side.
    """

    maybe_sent = False
    safe_to_log = True

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class AddressRefused(OutboundError):
    """The URL or the address behind it may not be reached; nothing was sent."""


class Unreachable(OutboundError):
    """DNS, connection or TLS failed: not one byte of the request went out.

    `why` says so in a clause ("its certificate is not trusted").
    """

    def __init__(self, message: str, why: str = "", obstacle: Obstacle = Obstacle.OTHER) -> None:
        super().__init__(message)
        self.why = why
        self.obstacle = obstacle


class Interrupted(Unreachable):
    """The connection was there, and broke before the whole request head was out.

    The other side can act on nothing; unlike Unreachable, it says nothing about the next call.
    """


class NoAnswer(OutboundError):
    """The request, or part of it, was sent and no whole answer came."""

    maybe_sent = True


# Too early, too often, or credentials that somebody is about to correct.
_PASSING = (401, 403, 408, 425, 429)


class Declined(OutboundError):
    """A download that was answered with `status` instead of the file."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status

    @property
    def may_pass(self) -> bool:
        """Whether the file may well be had later, under the same address."""
        return self.status in _PASSING or self.status >= 500


class ContentRefused(OutboundError):
    """A download that is larger than allowed, or of a type that is not."""

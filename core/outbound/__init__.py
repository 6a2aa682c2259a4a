"""Safe outbound HTTP: the only place that opens connections to the outside.

Addresses are checked after the name was resolved, and exactly the checked address is connected to,
while TLS and the Host header use the name. One deadline covers connecting, sending, headers and
body. Answers are capped. Nothing is retried, and every failure says whether the request may have
reached the other side.

    addresses   which addresses and URLs may be reached
    session     connections that keep to the checked addresses and to the deadline
    calls       send() and download()
"""

from core.outbound.addresses import host_allowed
from core.outbound.calls import Answer, Downloaded, download, send, time_limit
from core.outbound.errors import (
    AddressRefused,
    ContentRefused,
    Declined,
    Interrupted,
    NoAnswer,
    Obstacle,
    OutboundError,
    Unreachable,
)

__all__ = [
    "AddressRefused",
    "Answer",
    "ContentRefused",
    "Declined",
    "Downloaded",
    "Interrupted",
    "NoAnswer",
    "Obstacle",
    "OutboundError",
    "Unreachable",
    "download",
    "host_allowed",
    "send",
    "time_limit",
]

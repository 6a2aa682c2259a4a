"""Safe outbound calls: the only place that opens connections to the outside.

Addresses are checked after the name was resolved, and exactly the checked address is connected to,
while TLS and the Host header use the name. One deadline covers connecting, sending, headers and
body. Answers are capped. Nothing is retried, and every failure says whether the request may have
reached the other side.

    addresses   which addresses and URLs may be reached
    session     connections that keep to the checked addresses and to the deadline
    calls       send() and download(): one request, one answer
    streams     connect(), for protocols other than HTTP: FTP, SSH, SMTP, databases
"""

from core.outbound.addresses import host_allowed
from core.outbound.calls import Answer, Downloaded, download, send, time_limit, unreachable
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
from core.outbound.streams import connect

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
    "connect",
    "download",
    "host_allowed",
    "send",
    "time_limit",
    "unreachable",
]

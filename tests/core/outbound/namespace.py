"""Calls hostile addresses from everywhere that calls out, and counts the packets.

    unshare --map-root-user --net .venv/bin/python -m tests.core.outbound.namespace [--sample]

In a network namespace of its own, every packet that leaves is read, with the address that it goes
to. Without one (`--hook`), the calls of Python's sockets are counted instead: those of libraries
in C are not seen then. As a sample, each URL is called from some places. Prints JSON.
"""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from io import BytesIO
from ipaddress import IPv6Address, ip_address, ip_network
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

from tests import environment

PUBLIC = "93.184.216.34"
SAMPLE = 4  # each caller is given every fourth URL, another one than the caller before
# Not asked of the code that is tried: what the registries of the IANA set apart.
FORBIDDEN = tuple(
    ip_network(one)
    for one in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
        *("172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16"),
        *("198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
        *("168.63.129.16/32", "::/96", "::ffff:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48"),
        *("100::/64", "2001::/32", "2001:db8::/32", "2002::/16", "fc00::/7", "fe80::/10"),
        *("fec0::/10", "ff00::/8"),
    )
)
V4 = (
    *("127.0.0.1", "127.9.9.9", "0.0.0.0", "10.0.0.5", "100.64.0.1", "100.100.100.200"),
    *("169.254.169.254", "172.16.0.1", "192.0.0.192", "192.168.1.1", "198.18.0.1"),
    *("203.0.113.9", "224.0.0.1", "255.255.255.255", "168.63.129.16", "240.0.0.1"),
)
V6 = (
    *("::1", "::", "::ffff:127.0.0.1", "::ffff:10.0.0.5", "::10.0.0.5", "64:ff9b::7f00:1"),
    *("64:ff9b::10.0.0.5", "64:ff9b:1::a00:5", "2002:7f00:1::1", "2001:0:4136:e378::1"),
    *("2001:db8::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fec0::1", "ff02::1"),
)
SPELLINGS = (
    *("127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "017700000001"),
    *("127.0.0.1.", "localhost", "localhost.", "LOCALHOST", "0", "00.0.0.0", "0x0"),
    *("169.254.43518", "0xa9fea9fe", "2852039166", "0251.0376.0251.0376", "10.5", "192.168.257"),
    *("①②⑦.⓪.⓪.①", "１２７.0.0.1", "127。0。0。1", "127%2e0%2e0%2e1", "%31%32%37.0.0.1"),
    *("[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[::ffff:7f00:1]", "[::ffff:127.0.0.1]"),
    *("[fe80::1%25lo]", "[fe80::1%lo]", "[::1%25lo]", "[::127.0.0.1]"),
)
TRICKS = (
    *(f"https://{PUBLIC}@127.0.0.1/", f"https://127.0.0.1#@{PUBLIC}/", "https://127.0.0.1:22/"),
    *(f"https://{PUBLIC}\\@127.0.0.1/", f"https://127.0.0.1\\@{PUBLIC}/", "https://127.0.0.1%00/"),
    *(f"https://{PUBLIC}%2f@127.0.0.1/", "https:127.0.0.1/", "https:///127.0.0.1/", "//127.0.0.1/"),
    *("http://127.0.0.1:6379/", "http://[::1]:5432/", "ftp://127.0.0.1/", "gopher://127.0.0.1:70/"),
    *("file:///etc/passwd", "dict://127.0.0.1:11211/", "ldap://127.0.0.1/", "jar:https://x!/"),
    *("https://127.0.0.1\t/", "https://127.0.0.1\n.example.com/", "https://12\t7.0.0.1/"),
    *("https://user:pass@10.0.0.5/", "HTTPS://LOCALHOST:443/", "https://::1/"),
)


def hostile() -> Iterator[str]:
    """Yield the URLs: literal, in other spellings, by names that resolve there, and as tricks."""
    yield from (f"https://{one}/" for one in V4)
    yield from (f"https://[{one}]/" for one in V6)
    yield from (f"https://{one}/" for one in SPELLINGS)
    yield from TRICKS
    yield from (f"https://at-{number}.example/" for number in range(len(V4 + V6)))


# -- What the resolver says ------------------------------------------------------------------------

_asked = count()


def names() -> dict[str, Callable[[], list[str]]]:
    """Return what each name resolves to, at each time that it is asked."""
    inside = V4 + V6
    found = {f"at-{number}.example": lambda one=one: [one] for number, one in enumerate(inside)}
    return {
        **found,
        "rebinding.example": lambda: [PUBLIC if next(_asked) % 2 == 0 else "127.0.0.1"],
        "both.example": lambda: [PUBLIC, "10.0.0.5"],
    }


def resolving(resolve: Any = socket.getaddrinfo) -> Any:
    known = names()

    def getaddrinfo(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else str(host)
        found = known.get(name.rstrip(".").lower())
        if found is not None:
            return [row for one in found() for row in resolve(one, port, *args, **kwargs)]
        if name.rstrip(".").lower() == "localhost":
            return resolve("127.0.0.1", port, *args, **kwargs)
        # No name server is asked; but what the system reads as a number, it reads here too.
        kwargs["flags"] = kwargs.get("flags", 0) | socket.AI_NUMERICHOST
        return resolve(host, port, *args, **kwargs)

    return getaddrinfo


# -- What calls out --------------------------------------------------------------------------------


def callers() -> dict[str, Callable[[str], object]]:
    """Return everything that calls an address that somebody has entered or sent, by its name."""
    from urllib.parse import urlsplit

    from core import outbound
    from directory.pulling.reading import Api
    from integrations import destinations
    from integrations.channels import webhook
    from integrations.sources.caredove import listings
    from integrations.sources.kind import ListingApi

    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

    def host(url: str) -> str:
        """Return what a field for a host would hold of this URL."""
        return url.partition("//")[2].partition("/")[0] or url

    def attachment(url: str) -> object:
        netloc = url.partition("//")[2].partition("/")[0]
        known = [netloc, netloc.rpartition("@")[2], urlsplit(url).hostname or ""]
        listed = [*known, "127.0.0.1", "localhost", "::1"]
        return outbound.download(url, BytesIO(), hosts=listed, max_bytes=9, total_seconds=1)

    def kind(name: str, **options: Any) -> object:
        transport = destinations.transport_class(name)
        fields = transport.OptionsForm.base_fields
        usual = {field: form_field.initial for field, form_field in fields.items()}
        made = transport({**usual, **options})
        try:
            return made.check()
        finally:
            with suppress(Exception):
                made.probe()

    def pulled(url: str) -> object:
        with TemporaryDirectory() as folder:
            return Api(url, "token").read(Path(folder))

    def sql(driver: str, url: str) -> object:
        return kind("sql", url=f"{driver}://us@{host(url)}/db", password="x")

    return {
        "attachments": attachment,
        "crms": lambda url: kind("crms", base_url=url.rstrip("/"), token="x"),
        "webhook": lambda url: kind("webhook", url=url, secrets=secret),
        "email": lambda url: kind(
            "email", smtp_host=host(url), smtp_port=465, security="tls", sender="a@b.example"
        ),
        "sftp": lambda url: kind("sftp", host=host(url), username="u", password="p"),
        "ftps": lambda url: kind("sftp", protocol="ftps", host=host(url), username="u"),
        "postgresql": lambda url: sql("postgresql+psycopg", url),
        "mysql": lambda url: sql("mysql+pymysql", url),
        "alerts and notices": lambda url: webhook.send(url, [secret], "msg_1", {}),
        "listings": lambda url: listings.ask(ListingApi(url, "u", "p"), "812"),
        "directory pulls": pulled,
    }


# -- Counting --------------------------------------------------------------------------------------


class Packets:
    """The addresses that packets have gone to."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        for command in (
            "ip link set lo up",
            "ip link add out type veth peer name away",
            "ip link set out arp off multicast off addrgenmode none up",
            "ip link set away arp off multicast off addrgenmode none up",
            "ip address add 192.31.196.1/32 dev out",
            "ip route add default dev out src 192.31.196.1",
            "ip -6 address add 2620:4f:8000::1/128 dev out nodad",
            "ip -6 route add default dev out src 2620:4f:8000::1",
        ):
            subprocess.run(command.split(), check=True, capture_output=True)
        every_protocol = socket.htons(3)
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, every_protocol)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        while True:
            packet, (_, protocol, *_) = self._socket.recvfrom(256)
            if protocol == 0x0800 and packet[9] in (6, 17):  # TCP and UDP
                self.seen.append(str(ip_address(packet[16:20])))
            elif protocol == 0x86DD and packet[6] in (6, 17):
                self.seen.append(str(IPv6Address(packet[24:40])))


class Hook:
    """The addresses that Python's sockets were connected to."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        sys.addaudithook(self._note)

    def _note(self, event: str, given: tuple[Any, ...]) -> None:
        if event in ("socket.connect", "socket.sendto") and isinstance(given[-1], tuple):
            self.seen.append(str(given[-1][0]))


def forbidden(seen: list[str]) -> list[str]:
    return [one for one in seen if any(ip_address(one) in network for network in FORBIDDEN)]


# -- The whole -------------------------------------------------------------------------------------


def call(caller: Callable[[str], object], url: str) -> None:
    from core import outbound

    with suppress(Exception), outbound.time_limit(0.3):
        caller(url)


def tried(counted: Packets | Hook, step: int) -> dict[str, Any]:
    """Let everything call every URL, or each caller one of so many in turn.

    Then, without the protection, everything calls the first one.
    """
    from core.outbound.addresses import Policy

    everything = callers()
    leaks, answers = [], 0
    urls = [*hostile(), "https://rebinding.example/", "https://both.example/"]
    for number, (name, caller) in enumerate(everything.items()):
        for url in urls[number % step :: step]:
            before = len(counted.seen)
            call(caller, url)
            answers += 1
            if found := forbidden(counted.seen[before:]):
                leaks.append(f"{name} {url!r}: {sorted(set(found))}")
    time.sleep(0.2)  # what is still on its way to be counted
    total = len(forbidden(counted.seen))
    reached = []
    with patch.object(Policy, "check", lambda *_, **__: None):
        for name, caller in everything.items():
            before = len(counted.seen)
            call(caller, "https://at-0.example/")
            time.sleep(0.05)
            if forbidden(counted.seen[before:]):
                reached.append(name)
    return {
        "counted by": type(counted).__name__.lower(),
        "urls": len(set(urls)),
        "calls": answers,
        "callers": sorted(everything),
        "forbidden": total,
        "leaks": leaks,
        "to public addresses": sum(one == PUBLIC for one in counted.seen),
        "seen without protection": sorted(reached),
    }


def main() -> None:
    environment.prepare()
    os.environ["ALLOW_LOOPBACK"] = "false"
    import django

    django.setup()
    counted = Hook() if "--hook" in sys.argv else Packets()
    with patch("socket.getaddrinfo", resolving()):
        print(json.dumps(tried(counted, SAMPLE if "--sample" in sys.argv else 1)))


if __name__ == "__main__":
    main()

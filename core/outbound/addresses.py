"""Which URLs and which addresses may be reached."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from urllib.parse import urlsplit

import idna
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from requests import PreparedRequest

from core.outbound import sentences
from core.outbound.errors import AddressRefused

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

DEFAULT_PORTS = {"http": 80, "https": 443}

_NAME = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?")
_NUMERIC_LABEL = re.compile(r"[0-9]+|0x[0-9a-f]*")  # resolvers read such names as IPv4 addresses

# Addresses that count as public for Python and yet lead inside: IETF protocol assignments with
# Oracle's metadata service, the 6to4 relay, Azure's platform service.
_INSIDE = tuple(
    ip_network(network) for network in ("192.0.0.0/24", "192.88.99.0/24", "168.63.129.16/32")
)
# Never reached, not even within ALLOWED_PRIVATE_NETWORKS: metadata services of clouds.
_METADATA = tuple(
    ip_network(network)
    for network in ("100.100.100.200/32", "168.63.129.16/32", "192.0.0.192/32", "fd00:ec2::/32")
)
_GLOBAL_IPV6 = IPv6Network("2000::/3")
# They carry an IPv4 address in their last 32 bits: IPv4-compatible, NAT64 (RFC 6052, RFC 8215).
_CARRIES_IPV4 = tuple(
    IPv6Network(network) for network in ("::/96", "64:ff9b::/96", "64:ff9b:1::/48")
)


@dataclass(frozen=True)
class Policy:
    """What is allowed beside public addresses."""

    loopback: bool = False
    networks: tuple[Network, ...] = ()

    def check(self, host: str, address: Address, tls: bool) -> None:
        """Raise AddressRefused unless `host` may be reached at this address."""
        if is_loopback(address):
            if not self.loopback:
                raise AddressRefused(sentences.THIS_MACHINE(host=host))
            return
        if not tls:
            raise AddressRefused(sentences.NOT_BY_HTTPS(host=host))
        actual = embedded(address)
        if not (is_public(actual) or self._is_allowed_private(actual)):
            raise AddressRefused(sentences.NOT_PUBLIC(host=host, address=actual))

    def _is_allowed_private(self, address: Address) -> bool:
        return (
            address.is_private
            and not address.is_loopback
            and not address.is_link_local
            and not address.is_multicast
            and not address.is_unspecified
            and not _within(address, _METADATA)
            and _within(address, self.networks)
        )


def policy(allow_loopback: bool | None) -> Policy:
    """Return the policy of the settings; `allow_loopback` overrides ALLOW_LOOPBACK unless None."""
    loopback = settings.ALLOW_LOOPBACK if allow_loopback is None else allow_loopback
    return _policy(loopback, tuple(settings.ALLOWED_PRIVATE_NETWORKS))


@lru_cache(maxsize=16)
def _policy(loopback: bool, networks: tuple[str, ...]) -> Policy:
    try:
        return Policy(loopback, tuple(ip_network(network) for network in networks))
    except ValueError as error:
        raise ImproperlyConfigured(f"ALLOWED_PRIVATE_NETWORKS: {error}.") from None


def is_loopback(address: Address) -> bool:
    """Say whether the address is this machine itself, also in its IPv4-mapped form."""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address).is_loopback


def embedded(address: Address) -> Address:
    """Return the IPv4 address inside a mapped, compatible, 6to4, Teredo or NAT64 one."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped or address.sixtofour:
        return address.ipv4_mapped or address.sixtofour or address
    if address.teredo:
        return address.teredo[1]
    if int(address) > 1 and _within(address, _CARRIES_IPV4):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def is_public(address: Address) -> bool:
    """Say whether the address is a unicast address of the public internet."""
    if isinstance(address, IPv6Address) and address not in _GLOBAL_IPV6:
        return False
    return (
        address.is_global
        and not address.is_multicast
        and not address.is_reserved
        and not _within(address, _INSIDE)
    )


def _within(address: Address, networks: Iterable[Network]) -> bool:
    return any(address in network for network in networks)


@dataclass(frozen=True)
class Origin:
    """Scheme, host (lower case, ASCII) and port of a URL."""

    scheme: str
    host: str
    port: int


def origin(url: str) -> Origin:
    """Return the origin of an http(s) URL; raises AddressRefused for any other or ambiguous one."""
    try:
        parts = urlsplit(_as_used(url))
        scheme, host, port = parts.scheme.lower(), parts.hostname or "", parts.port
    except ValueError:
        raise AddressRefused(sentences.NOT_A_WEB_ADDRESS()) from None
    if scheme not in DEFAULT_PORTS:
        raise AddressRefused(sentences.ONLY_HTTPS())
    if "@" in parts.netloc:
        raise AddressRefused(sentences.NO_PASSWORDS())
    check_host(host)
    return Origin(scheme, host, port or DEFAULT_PORTS[scheme])


def _as_used(url: str) -> str:
    """Return the URL as requests will use it: what is checked must be what is reached."""
    request = PreparedRequest()
    request.prepare_url(url, None)
    return request.url or ""


def check_host(host: str) -> None:
    """Raise AddressRefused unless this is the name of a host, or an address as it is written."""
    if _literal(host):
        return
    if not _NAME.fullmatch(host):
        raise AddressRefused(sentences.NOT_A_HOST())
    if _NUMERIC_LABEL.fullmatch(host.rstrip(".").rpartition(".")[2]):
        raise AddressRefused(sentences.NUMERIC())


def _literal(host: str) -> Address | None:
    try:
        address = ip_address(host)
    except ValueError:
        return None
    return None if "%" in host else address


def host_allowed(url: str, hosts: Iterable[str]) -> bool:
    """Say whether the URL's host is on the list; a URL that may not be reached is not.

    An entry is `host` or `host:port`, in any case, in Unicode or punycode. Without a port it means
    the scheme's own port, but any port of this machine itself (localhost or a loopback address).
    """
    try:
        wanted = origin(url)
    except AddressRefused:
        return False
    return any(_matches(wanted, entry) for entry in hosts)


def _matches(wanted: Origin, entry: str) -> bool:
    host, port = _split_entry(entry.strip())
    if not host or _canonical(host) != _canonical(wanted.host):
        return False
    if port is None:
        return wanted.port == DEFAULT_PORTS[wanted.scheme] or is_this_machine(wanted.host)
    return port == wanted.port


def _split_entry(entry: str) -> tuple[str, int | None]:
    try:
        parts = urlsplit(f"//{entry}")
        if entry.count(":") > 1 and not entry.startswith("["):  # a bare IPv6 address
            return entry, None
        return parts.hostname or "", parts.port
    except ValueError:
        return "", None


def _canonical(host: str) -> str:
    address = _literal(host)
    if address:
        return str(address)
    try:
        return idna.encode(host.rstrip("."), uts46=True).decode().lower()
    except idna.IDNAError:
        return host.rstrip(".").lower()


def is_this_machine(host: str) -> bool:
    """Return whether a host name or an address means this machine itself."""
    address = _literal(host)
    return is_loopback(address) if address else _canonical(host) == "localhost"

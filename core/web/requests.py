"""What a request tells about its sender, and what of it a log may have."""

from ipaddress import ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest


def loggable(path: str) -> str:
    """Return the path as a log may have it: what follows one of CREDENTIAL_PATHS is left out."""
    for start in settings.CREDENTIAL_PATHS:
        if path.startswith(start):
            return f"{start}-"
    return path


def client_ip(request: HttpRequest) -> str | None:
    """Return the sender's address, or None where it is unknown.

    Each of our own proxies (TRUSTED_PROXIES says how many there are) adds the address it was called
    from to the end of X-Forwarded-For; what stands before these is the sender's own claim.
    """
    addresses = [
        *request.headers.get("X-Forwarded-For", "").split(","),
        request.META.get("REMOTE_ADDR", ""),
    ]
    position = -1 - settings.TRUSTED_PROXIES
    try:
        return str(ip_address(addresses[position].strip()))
    except (IndexError, ValueError):
        return None


IPV6_OF_ONE = 64  # bits: what a provider gives to one line


def network(address: str) -> str:
    """Return the network that is one sender's: an IPv4 address itself, or an IPv6 /64."""
    try:
        is_v6 = ip_address(address).version == 6
    except ValueError:
        return address
    return str(ip_network(f"{address}/{IPV6_OF_ONE}", strict=False)) if is_v6 else address

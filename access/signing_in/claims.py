"""What a provider's claims say: who somebody is, what they may do here, how they signed in.

Plain values in, plain values out. What a claim should hold and does not counts for nothing.
"""

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any

Claims = Mapping[str, Any]

# RFC 8176: what somebody knows, and what they have or are.
KNOWN = frozenset({"pwd", "pin", "kba"})
POSSESSED = frozenset(
    {"otp", "hwk", "swk", "sc", "pop", "sms", "tel", "fpt", "face", "iris", "retina", "vbm"}
)


def identity(claims: Claims) -> str:
    """Return the one name of this person: of their issuer and `sub` together.

    It is a digest: a `sub` may be an e-mail address, and be longer than allauth's column.
    """
    return sha256(f"{claims['iss']}\n{claims['sub']}".encode()).hexdigest()


def groups(claims: Claims, name: str) -> frozenset[str]:
    """Return the groups of the claim of this name; providers write a single one without a list."""
    value = claims.get(name)
    if isinstance(value, str):
        return frozenset({value})
    if isinstance(value, list):
        return frozenset(one for one in value if isinstance(one, str))
    return frozenset()


def given(groups: Iterable[str], by_group: Mapping[str, str | list[str]]) -> frozenset[str]:
    """Return what the groups that somebody is in give them, by a setting."""
    found = (by_group.get(group, []) for group in groups)
    return frozenset(name for one in found for name in ([one] if isinstance(one, str) else one))


def used_second_factor(claims: Claims) -> bool:
    """Return whether the token's `amr` says that two factors of different kinds were used."""
    methods = claims.get("amr")
    if not isinstance(methods, list):
        return False
    used = {one for one in methods if isinstance(one, str)}
    return "mfa" in used or bool(used & KNOWN and used & POSSESSED)

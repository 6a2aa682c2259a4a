"""How one sandbox behaves. The command and the tests set it up with the same words."""

from dataclasses import dataclass
from pathlib import Path

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Options:
    """Sizes are bytes, times seconds. Port 0 takes any free port."""

    port: int = 0
    token: str = ""  # empty: any token will do, but there must be one
    api_key_header: str = "X-API-Key"
    ledger: Path | None = None
    notices_secret: str = ""  # of the receiver at /notices; empty: it takes none
    tls: bool = False  # True: https, with a certificate signed by nobody but itself

    idempotency: bool = True  # False: a CRMS that does not read Idempotency-Key
    allow_duplicates: bool = False  # True: it does not look at external_reference either
    look_up: bool = True
    look_up_refusal: int = 404  # what a look-up is answered when there is none
    look_up_names: bool = True  # False: a look-up's results do not name their external_reference
    look_up_filters: bool = True  # False: a look-up lists every referral there is
    look_up_page: int = 0  # more results than these come on a next page; 0: all at once
    look_up_delay: float = 0  # a new referral is found by look-ups only after this
    attachment_listing: bool = True
    max_file_bytes: int = 25 * MEBIBYTE

    faults: tuple[str, ...] = ()  # as `--fail` takes them
    fail_rate: float = 0
    seed: int = 0
    hang_seconds: float = 120  # how long a time-out keeps the line open
    drip_seconds: float = 1.0  # between two bytes of a slow drip
    retry_after: int = 2

"""Who may talk to whom: organizations, listings, sources, destinations, trigger configs.

No `__str__` here holds personal data or a secret: it ends up in logs.
"""

from integrations.models.destinations import (
    ASK_SEARCH_AGAIN,
    MOST,
    PROBE_AT_LEAST,
    PROOF_TIME,
    STANDING,
    Destination,
    probe_delay,
)
from integrations.models.organizations import Organization, ServiceListing
from integrations.models.sources import Source, SourceCredential
from integrations.models.trigger_configs import TriggerConfig
from integrations.models.validators import (
    FILE_CATEGORIES,
    LOOPBACK,
    REFERENCE,
    all_fields,
    check_address,
    check_allowed_fields,
    check_allowed_files,
    check_hosts,
    check_referral_address,
    check_source_kind,
    check_time_zone,
    check_trigger_keys,
)

__all__ = [
    "ASK_SEARCH_AGAIN",
    "FILE_CATEGORIES",
    "LOOPBACK",
    "MOST",
    "PROBE_AT_LEAST",
    "PROOF_TIME",
    "REFERENCE",
    "STANDING",
    "Destination",
    "Organization",
    "ServiceListing",
    "Source",
    "SourceCredential",
    "TriggerConfig",
    "all_fields",
    "check_address",
    "check_allowed_fields",
    "check_allowed_files",
    "check_hosts",
    "check_referral_address",
    "check_source_kind",
    "check_time_zone",
    "check_trigger_keys",
    "probe_delay",
]

"""What happened: events, referrals, deliveries, versions, attempts, steps and files.

The row is the queue: whatever must happen is a row with a state and a due time. States change
only by the named conditional updates in `intake` and `delivering`. No `__str__`, no plain column
and no constraint holds personal data: those end up in logs and error messages.
"""

from referrals.models.bulk import BulkRetry, BulkRetryItem
from referrals.models.deliveries import (
    MAX_CODE,
    MAX_EXTERNAL_ID,
    MISCONFIGURED,
    WRONGLY_SET_UP,
    Delivery,
    disconnect,
)
from referrals.models.downloads import Download
from referrals.models.events import (
    TEST_EVENT_IDS,
    TEST_REFERENCE,
    InboundEvent,
    InboundEventManager,
)
from referrals.models.files import ReferralFile, StoredSummary
from referrals.models.holds import LegalHold
from referrals.models.partners import PartnerRequest, PartnerUpdate
from referrals.models.referrals import Referral, ReferralAlias, RegistrantName, RetentionPeriod
from referrals.models.restoring import Host, Restore
from referrals.models.runs import DestinationJob, Run
from referrals.models.team import ClearedError, Deed, Note, SavedView
from referrals.models.versions import Attempt, SendingOrder, Step, Version, VersionManager

__all__ = [
    "MAX_CODE",
    "MAX_EXTERNAL_ID",
    "MISCONFIGURED",
    "TEST_EVENT_IDS",
    "TEST_REFERENCE",
    "WRONGLY_SET_UP",
    "Attempt",
    "BulkRetry",
    "BulkRetryItem",
    "ClearedError",
    "Deed",
    "Delivery",
    "DestinationJob",
    "Download",
    "Host",
    "InboundEvent",
    "InboundEventManager",
    "LegalHold",
    "Note",
    "PartnerRequest",
    "PartnerUpdate",
    "Referral",
    "ReferralAlias",
    "ReferralFile",
    "RegistrantName",
    "Restore",
    "RetentionPeriod",
    "Run",
    "SavedView",
    "SendingOrder",
    "Step",
    "StoredSummary",
    "Version",
    "VersionManager",
    "disconnect",
]

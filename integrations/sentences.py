"""Every sentence about a destination that a row may store, or that says how a connection stands."""

from core.sentences import Cause

PAUSED = Cause("destination_paused", "{destination} is held: {why}")
# Without the destination's own words, for those who may not read them.
PAUSED_UNQUOTED = Cause("destination_paused_unquoted", "{destination} is held.")
UNREACHABLE = Cause(
    "destination_unreachable", "{destination} has been unreachable since {since}: {why}"
)
RECOVERING = Cause(
    "destination_recovering",
    "{destination} failed {failures} referrals in a row. It is paused until {until}; then one "
    "referral is sent to see whether it works again.",
)
RECOVERING_AFTER = Cause(
    "destination_recovering_after",
    "{destination} failed {failures} referrals in a row, the last one with {code}. It is paused "
    "until {until}; then one referral is sent to see whether it works again.",
)
AT_MOST = Cause("limit_at_once", "at most {at_once} at the same time")
AT_MOST_A_MINUTE = Cause("limit_per_minute", "at most {per_minute} a minute")
AT_MOST_BOTH = Cause("limit_both", "at most {at_once} at the same time and {per_minute} a minute")

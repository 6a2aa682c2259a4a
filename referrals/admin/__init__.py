"""The admin of what happened: all of it can be seen, none edited; and how long it is kept."""

from referrals.admin import (  # noqa: F401 - registers them
    events,
    imports,
    jobs,
    referrals,
    retention,
    retrying,
    runs,
)

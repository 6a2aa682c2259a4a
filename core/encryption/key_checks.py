"""No program starts without a key that something stored was encrypted with.

Of each key that is in use the database keeps a check value, which says nothing of the key. A portal
that starts with others, after a mistyped setting or a restore without its keys, would show people
that nothing can be read, and would encrypt new values with a key that nobody has kept.
"""

import logging

from django.core.exceptions import ImproperlyConfigured
from django.db import InterfaceError, OperationalError, ProgrammingError

from core.database import clock
from core.encryption import derived_keys, keyring
from core.models import KeyCheck

logger = logging.getLogger(__name__)

PURPOSE = "check value"


def refuse_to_start() -> None:
    """Raise ImproperlyConfigured where a key is missing that was in use and is not declared lost.

    The key that encrypts from now on becomes one in use; the first time, all of ENCRYPTION_KEYS.
    """
    try:
        _refuse()
    except (InterfaceError, OperationalError, ProgrammingError) as error:
        # Away, or not migrated: `/health/ready` says so, and nothing can be stored meanwhile.
        logger.warning("keys are not checked: %s", type(error).__name__)


def _refuse() -> None:
    ours = values()
    in_use = list(KeyCheck.objects.all())
    missing = [
        check.key_id
        for check in in_use
        if check.lost_at is None and ours.get(check.key_id) != check.value
    ]
    if missing:
        raise ImproperlyConfigured(
            f"ENCRYPTION_KEYS lacks a key that is in use: {', '.join(missing)}. Add it behind the "
            "first one. If it is lost for good, run `manage.py declare_key_lost` with its id: what "
            "it has encrypted cannot be read then."
        )
    new = ours if not in_use else {keyring().primary: ours[keyring().primary]}
    KeyCheck.objects.bulk_create(
        [KeyCheck(key_id=key_id, value=value) for key_id, value in new.items()],
        ignore_conflicts=True,
    )


def values() -> dict[str, str]:
    """Return the check value of each key of ENCRYPTION_KEYS, by its id."""
    return {key_id: key.hex() for key_id, key in derived_keys(PURPOSE).items()}


def declare_lost(key_id: str) -> bool:
    """Let programs start without this key; False when it is not in use."""
    return bool(KeyCheck.objects.filter(key_id=key_id).update(lost_at=clock.now()))


def only_the_first_is_in_use() -> None:
    """Forget the other keys: everything that is stored was encrypted with the first one."""
    KeyCheck.objects.exclude(key_id=keyring().primary).delete()

"""A program that was asked to end does so in time, whatever it still waits for."""

import logging
import os
import threading
from typing import Any

from django.conf import settings

logger = logging.getLogger(__name__)

TOO_LATE = 75  # the exit status: a temporary failure, as sysexits.h has it


def end_in_time(**_: Any) -> threading.Timer:
    """End this process after STOP_SECONDS if it has not ended by itself by then.

    What a call was doing is settled like what a killed process was doing: when its lease ends. A
    handler of signals may call this. Returns the timer.
    """
    timer = threading.Timer(settings.STOP_SECONDS, _end)
    timer.daemon = True  # it keeps no process alive
    timer.start()
    return timer


def _end() -> None:
    logger.error("a call does not end; this program ends now, and its lease runs out")
    os._exit(TOO_LATE)

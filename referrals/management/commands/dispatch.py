"""`manage.py dispatch`: the dispatcher, until it is told to stop."""

import signal
from typing import Any

from django.core.management.base import BaseCommand

from core.encryption import rotation
from core.timing import ending
from referrals.running.dispatcher import Dispatcher


class Command(BaseCommand):
    help = "Find due work and see that it is done; without a broker, do it here."
    # Checks would load every screen of the admin; what is unsafe is refused with the settings.
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        rotation.refuse_to_start()
        dispatcher = Dispatcher()

        def stop(*_: Any) -> None:
            dispatcher.stop()
            ending.end_in_time()

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop)
        dispatcher.run()

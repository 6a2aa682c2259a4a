"""The Celery application. Messages carry one id and only say "look at this row now"."""

import os
import sys
from typing import Any

from celery import Celery
from celery.signals import worker_init
from django.core.exceptions import ImproperlyConfigured

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
# Checks would load every screen of the admin; what is unsafe is refused with the settings.
os.environ.setdefault("CELERY_SKIP_CHECKS", "1")

app = Celery("dovetail")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["referrals.running"])


@worker_init.connect
def refuse_to_start(**_: Any) -> None:
    """End a worker that must not start; Celery would only log an error."""
    from core.encryption import rotation  # once the apps are loaded

    try:
        rotation.refuse_to_start()
    except ImproperlyConfigured as error:
        sys.exit(str(error))

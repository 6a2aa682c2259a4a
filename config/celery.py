"""The Celery application. Messages carry one id and only say "look at this row now"."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
# Checks would load every screen of the admin; what is unsafe is refused with the settings.
os.environ.setdefault("CELERY_SKIP_CHECKS", "1")

app = Celery("dovetail")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

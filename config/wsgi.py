"""WSGI entry point: `gunicorn config.wsgi`."""

import logging
import os
from importlib import import_module

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import DatabaseError, connections

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = get_wsgi_application()
application = import_module("core.database.silence").watched(application)
import_module("core.encryption.rotation").refuse_to_start()
import_module(settings.ROOT_URLCONF)  # now, not while the first request waits


def _look_for_a_restore() -> None:
    """Notice a restored database before new events come in; the dispatcher looks again."""
    from referrals import delivering

    try:
        delivering.look_without_asking()
    except (DatabaseError, OSError):
        logging.getLogger(__name__).warning("the database could not be compared with the mark")
    finally:
        connections.close_all()  # gunicorn may fork from here


_look_for_a_restore()

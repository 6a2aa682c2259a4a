"""The Celery application. Messages carry ids and only say "look at these rows now"."""

import os
import sys
from typing import Any

from celery import Celery
from celery.signals import task_postrun, task_prerun, worker_init
from django.core.exceptions import ImproperlyConfigured
from django.db import close_old_connections
from kombu.transport import redis

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
# Checks would load every screen of the admin; what is unsafe is refused with the settings.
os.environ.setdefault("CELERY_SKIP_CHECKS", "1")

app = Celery("dovetail")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["referrals.running"])
# How many tasks share a connection, for Celery's own handling of Django. It would close each after
# its task, and to connect again costs PostgreSQL as much as a referral's statements.
app.conf["CELERY_DB_REUSE_MAX"] = sys.maxsize


@worker_init.connect
def refuse_to_start(**_: Any) -> None:
    """End a worker that must not start; Celery would only log an error."""
    from core.encryption import rotation  # once the apps are loaded

    try:
        rotation.refuse_to_start()
    except ImproperlyConfigured as error:
        sys.exit(str(error))


@worker_init.connect
def outlive_the_broker(**_: Any) -> None:
    """Treat what is done on a channel whose connection is gone as the loss of that connection.

    kombu forgets the address of a connection that it closes. With tasks in the worker, Celery 5.7
    still uses its channel: it closes a lost connection twice, and the second time the waiting tasks
    would be given back to it; and a task that has ended is acknowledged on it after the worker has
    connected anew. Both would end the worker with an AttributeError. What is not given back, the
    dispatcher finds; a task that comes again finds its work done.
    """

    kind: Any = redis.Channel

    def is_connected(channel: Any) -> bool:
        return channel.connection is not None and channel.connection.client is not None

    def parameters(channel: Any, asynchronous: bool = False) -> Any:
        if not is_connected(channel):
            raise ConnectionError("The connection of this channel is closed.")
        return parameters_of_connected(channel, asynchronous)

    parameters_of_connected = kind._connparams
    kind._connparams = parameters
    kind.do_restore = property(is_connected)


@worker_init.connect
def keep_connections(**_: Any) -> None:
    """Let each thread keep its connection, and close one that is broken or old, as Django does."""
    task_prerun.connect(_close_old_connections)
    task_postrun.connect(_close_old_connections)


def _close_old_connections(**_: Any) -> None:
    close_old_connections()

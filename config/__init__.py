"""The only place that knows everything: settings, urls, celery, wsgi."""

import gc
import os

gc.disable()  # until the apps are loaded (core.apps): nothing of what is loaded is garbage

from config.celery import app as celery_app  # noqa: E402

os.umask(0o077)  # what any of our programs writes, its owner alone may read

__all__ = ["celery_app"]

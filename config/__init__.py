"""The only place that knows everything: settings, urls, celery, wsgi."""

import os

from config.celery import app as celery_app

os.umask(0o077)  # what any of our programs writes, its owner alone may read

__all__ = ["celery_app"]

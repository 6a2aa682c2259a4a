"""The only place that knows everything: settings, urls, celery, wsgi."""

from config.celery import app as celery_app

__all__ = ["celery_app"]

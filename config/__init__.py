"""The only place that knows everything: settings, urls, celery, wsgi."""

import gc
import os
import resource

gc.disable()  # until the apps are loaded (core.apps): nothing of what is loaded is garbage

from config.celery import app as celery_app  # noqa: E402

os.umask(0o077)  # what any of our programs writes, its owner alone may read
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core dump would hold keys, and people

__all__ = ["celery_app"]

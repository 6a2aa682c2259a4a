"""gunicorn's own settings, which it finds by this file's name: `gunicorn config.wsgi`."""

from typing import Any

from gunicorn.glogging import Logger

# The path without its query, which holds the admin's search words.
access_log_format = '%(h)s "%(m)s %(U)s" %(s)s %(B)s %(D)s'

# What follows these paths is a credential: as CREDENTIAL_PATHS of the settings, not loaded here.
CREDENTIAL_PATHS = ("/directory/verify/",)


class PathLogger(Logger):
    """Writes paths without a credential that is in them."""

    def atoms(self, *args: Any) -> Any:
        found: Any = super().atoms(*args)
        for start in CREDENTIAL_PATHS:
            if str(found["U"]).startswith(start):
                found["U"] = f"{start}-"
        return found


logger_class = PathLogger

# gunicorn's lines take the way of all others, through the portal's formatter.
logconfig_dict = {
    "loggers": {
        "gunicorn.error": {"handlers": [], "level": "INFO", "propagate": True},
        "gunicorn.access": {"handlers": [], "level": "INFO", "propagate": True},
    },
}

# It would listen in the home directory for commands that nobody gives.
control_socket_disable = True

"""gunicorn's own settings, which it finds by this file's name: `gunicorn config.wsgi`."""

# The path without its query, which holds the admin's search words.
access_log_format = '%(h)s "%(m)s %(U)s" %(s)s %(B)s %(D)s'

# gunicorn's lines take the way of all others, through the portal's formatter.
logconfig_dict = {
    "loggers": {
        "gunicorn.error": {"handlers": [], "level": "INFO", "propagate": True},
        "gunicorn.access": {"handlers": [], "level": "INFO", "propagate": True},
    },
}

# It would listen in the home directory for commands that nobody gives.
control_socket_disable = True

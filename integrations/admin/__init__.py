"""The admin of who may talk to whom."""

from integrations.admin import (  # noqa: F401 - registers them
    destinations,
    organizations,
    sources,
    trigger_configs,
)

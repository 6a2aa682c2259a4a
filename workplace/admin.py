"""The admin of what the workplace keeps of its own."""

from workplace.alerts import admin  # noqa: F401 - registers it

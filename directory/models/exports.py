"""Files that are written on a schedule, and each time that they were."""

from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from directory.models.settings import LANGUAGE


class ScheduledExport(models.Model):
    """A file that is written on a schedule, to a folder below EXPORT_ROOT or to a server.

    Of the destination only the connection and its folder count: the file is of the directory.
    """

    name = models.CharField(max_length=100, unique=True)
    partner = models.CharField(
        max_length=100, blank=True, help_text="A data partner; empty: what the public API shows."
    )
    format = models.CharField(max_length=40)
    language = models.CharField(max_length=35, validators=[LANGUAGE])
    schedule = models.CharField(max_length=200, help_text="Five cron fields, in local time.")
    destination = models.ForeignKey(
        "integrations.Destination",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="directory_exports",
    )
    folder = models.CharField(max_length=500, blank=True, help_text="Below EXPORT_ROOT.")
    keep = models.PositiveIntegerField(default=7, help_text="Files; older ones are removed.")
    due_at = models.DateTimeField(db_index=True)
    failures = models.PositiveIntegerField(default=0, editable=False)  # in a row

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class ExportRun(models.Model):
    """One time that a file was written: what it holds, or why it was not."""

    class State(models.TextChoices):
        RUNNING = "running", _("running")
        DONE = "done", _("there")
        FAILED = "failed", _("failed")

    export = models.ForeignKey(ScheduledExport, on_delete=models.CASCADE, related_name="runs")
    state = models.CharField(max_length=10, choices=State.choices, default=State.RUNNING)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    file = models.CharField(max_length=200, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    size = models.BigIntegerField(null=True)  # bytes
    rows: Any = models.JSONField(default=dict)
    not_carried: Any = models.JSONField(default=dict)
    message = models.TextField(blank=True)  # for people: why it failed

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state="running") | Q(ended_at__isnull=False),
                name="export_run_ended",
            ),
        ]

    def __str__(self) -> str:
        return f"run {self.pk} of export {self.export_id}"


class RequestedFile(models.Model):
    """A file that somebody asked for on the page of files; it is there for a day."""

    class State(models.TextChoices):
        QUEUED = "queued", _("waiting")
        RUNNING = "running", _("being written")
        DONE = "done", _("there")
        FAILED = "failed", _("failed")

    partner = models.CharField(max_length=100, blank=True)
    format = models.CharField(max_length=40)
    language = models.CharField(max_length=35)
    by = models.CharField(max_length=150)
    asked_at = models.DateTimeField()
    due_at = models.DateTimeField(db_index=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    expected = models.PositiveIntegerField(default=0)  # entries in the view
    written = models.PositiveIntegerField(default=0)  # rows so far
    file = models.CharField(max_length=200, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    size = models.BigIntegerField(null=True)  # bytes
    rows: Any = models.JSONField(default=dict)
    not_carried: Any = models.JSONField(default=dict)
    message = models.TextField(blank=True)  # for people: why it failed

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"requested file {self.pk}"

    @property
    def is_under_way(self) -> bool:
        return self.state in (self.State.QUEUED, self.State.RUNNING)

"""Jobs: long work on one destination that a person has asked for."""

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from core.database.rows import KeyedModel
from core.fields import EncryptedSentenceField
from integrations.models import Destination
from referrals.models.runs import Run


class DestinationJob(KeyedModel):
    """Long work on one destination that a person has asked for. The dispatcher does it."""

    class What(models.TextChoices):
        COMPARE = "compare", "Compare"
        RESYNC = "resync", "Resync"
        REPEAT = "repeat", "Repeat a run"

    class State(models.TextChoices):
        WAITING = "waiting", "Not begun yet"
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"

    OPEN: ClassVar = (State.WAITING, State.RUNNING)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    destination = models.ForeignKey(Destination, on_delete=models.CASCADE, related_name="jobs")
    run = models.ForeignKey(
        Run, null=True, on_delete=models.CASCADE, related_name="+", help_text="To be repeated."
    )
    what = models.CharField(max_length=10, choices=What.choices)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    asked_at = models.DateTimeField()
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    due_at = models.DateTimeField(help_text="When it begins; then, the end of its lease.")
    ended_at = models.DateTimeField(null=True)
    done = models.PositiveIntegerField(default=0, help_text="Referrals, so far.")
    result = models.JSONField(default=dict, help_text="What came of it; no personal data.")
    message = EncryptedSentenceField(null=True, help_text="Why it failed, for people.")

    class Meta:
        ordering = ["-asked_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["destination"],
                condition=Q(state__in=["waiting", "running"]),
                name="one_job_at_a_time",
            ),
        ]
        indexes = [
            models.Index(
                fields=["due_at"],
                condition=Q(state__in=["waiting", "running"]),
                name="destination_jobs_due",
            ),
            models.Index(fields=["-asked_at"], name="destination_jobs_by_time"),
        ]

    def __str__(self) -> str:
        return f"job {self.pk}"

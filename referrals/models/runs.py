"""Runs: deliveries that travel together; and long work on a destination that a person asked for."""

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core.database.rows import KeyedModel
from core.fields import EncryptedSentenceField
from integrations.models import Destination
from referrals.models.deliveries import MAX_EXTERNAL_ID


class Run(KeyedModel):
    """Due deliveries of one destination that travel together. Its id is their lease.

    Once its effect was begun it may be there: it is then carried again, with the same versions
    under the same id, until it is known to have arrived.
    """

    class State(models.TextChoices):
        RUNNING = "running", _("Running")
        DONE = "done", _("Arrived")
        FAILED = "failed", _("Failed: all were given back")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    destination = models.ForeignKey(Destination, on_delete=models.PROTECT, related_name="runs")
    state = models.CharField(max_length=10, choices=State.choices, default=State.RUNNING)
    since = models.DateTimeField(
        null=True, help_text=_("From when: the one before ended its window.")
    )
    until = models.DateTimeField(help_text=_("Until when: what was due by then."))
    token = models.UUIDField(help_text=_("Of whoever carries it."))
    lease_until = models.DateTimeField()
    intended_at = models.DateTimeField(null=True, help_text=_("When its effect was first begun."))
    ended_at = models.DateTimeField(null=True)
    name = models.CharField(max_length=MAX_EXTERNAL_ID, blank=True)
    rows = models.PositiveIntegerField(null=True)
    size = models.PositiveBigIntegerField(null=True, help_text=_("Bytes."))
    sha256 = models.CharField(max_length=64, blank=True)
    columns = models.PositiveIntegerField(
        null=True, help_text=_("How many of the destination's columns its list has.")
    )
    message = EncryptedSentenceField(null=True, help_text=_("The last problem, for people."))

    class Meta:
        ordering = ["-until"]
        constraints = [
            models.UniqueConstraint(
                fields=["destination"], condition=Q(state="running"), name="one_run_at_a_time"
            ),
        ]
        indexes = [
            models.Index(fields=["lease_until"], condition=Q(state="running"), name="runs_leased"),
            models.Index(fields=["-until"], name="runs_by_time"),
            models.Index(fields=["destination", "-until"], name="runs_of_a_destination"),
        ]

    def __str__(self) -> str:
        return gettext("run {id}").format(id=self.pk)


class DestinationJob(KeyedModel):
    """Long work on one destination that a person has asked for. The dispatcher does it."""

    class What(models.TextChoices):
        COMPARE = "compare", _("Compare")
        RESYNC = "resync", _("Resync")
        REPEAT = "repeat", _("Repeat a run")

    class State(models.TextChoices):
        WAITING = "waiting", _("Not begun yet")
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")

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

"""Suppliers whose API is pulled on a schedule."""

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from core.database.rows import KeyedModel
from core.fields import EncryptedTextField
from directory.models.settings import Supplier, SupplierImport


class Pull(KeyedModel):
    """Where a supplier's API is, when it is pulled next, and what came of the last time."""

    class Outcome(models.TextChoices):
        NONE = "", _("not pulled yet")
        WHOLE = "whole", _("everything was read")
        PARTIAL = "partial", _("something was missed, so nothing was withdrawn")
        WAITS = "waits", _("it would withdraw too much: a person decides")
        FAILED = "failed", _("nothing was read")

    supplier = models.OneToOneField(Supplier, on_delete=models.CASCADE, related_name="pull")
    url = models.CharField(max_length=500)
    token = EncryptedTextField(null=True, blank=True)
    every = models.PositiveIntegerField(default=1440, help_text="Minutes.")
    due_at = models.DateTimeField(db_index=True)
    allow_once = models.BooleanField(  # set by a person, for the next time alone
        default=False, help_text="The next pull may withdraw as much as it will."
    )
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(
        max_length=10, blank=True, choices=Outcome.choices, default=Outcome.NONE
    )
    # Sentences for people, without content.
    problems: Any = models.JSONField(default=list, blank=True)
    imports = models.ManyToManyField(SupplierImport, related_name="pulls")  # of the last time

    class Meta:
        ordering = ["supplier__rank", "supplier__name"]

    def __str__(self) -> str:
        return f"pull of supplier {self.supplier_id}"

"""Organizations, and the services that they list."""

import zoneinfo

from django.db import models
from simple_history.models import HistoricalRecords

from integrations.models.validators import check_time_zone


class Organization(models.Model):
    """An agency on Caredove that receives referrals."""

    class Plan(models.TextChoices):
        ESSENTIAL = "essential", "Essential"
        ADVANCED_CBO = "advanced_cbo", "Advanced CBO"
        ENTERPRISE = "enterprise", "Enterprise"

    IMPORTING_PLANS = (Plan.ADVANCED_CBO, Plan.ENTERPRISE)

    caredove_id = models.CharField("Caredove id", max_length=64, unique=True)
    name = models.CharField(max_length=200)
    plan = models.CharField(
        max_length=20,
        choices=Plan.choices,
        default=Plan.ADVANCED_CBO,
        help_text="Importing needs Advanced CBO or higher.",
    )
    time_zone = models.CharField(
        max_length=64, default="America/Toronto", validators=[check_time_zone]
    )
    active = models.BooleanField(
        default=True, help_text="Off: events are kept, nothing is imported."
    )
    history = HistoricalRecords()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        return zoneinfo.ZoneInfo(self.time_zone)

    def may_import(self) -> bool:
        """Return whether the plan is sufficient and the organization is active."""
        return self.active and self.plan in self.IMPORTING_PLANS


class ServiceListing(models.Model):
    """One service of an organization, as Caredove lists it."""

    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="listings"
    )
    caredove_id = models.CharField("Caredove id", max_length=64, unique=True)
    name = models.CharField(max_length=300)
    category = models.CharField(max_length=200, blank=True, help_text="As Caredove groups it.")
    active = models.BooleanField(
        "listed in Caredove",
        default=True,
        help_text="Off: Caredove does not list it any more. What it still sends is imported.",
    )
    history = HistoricalRecords()

    class Meta:
        ordering = ["organization__name", "name"]

    def __str__(self) -> str:
        return self.name

"""Organizations, and the services that they list."""

import zoneinfo

from django.db import models
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from integrations.models.validators import check_time_zone


class Organization(models.Model):
    """An agency on Caredove that receives referrals."""

    class Plan(models.TextChoices):
        ESSENTIAL = "essential", _("Essential")
        ADVANCED_CBO = "advanced_cbo", _("Advanced CBO")
        ENTERPRISE = "enterprise", _("Enterprise")

    class Language(models.TextChoices):
        ENGLISH = "en-ca", "English"
        FRENCH = "fr-ca", "Français"
        BOTH = "both", _("English and French, side by side")

    IMPORTING_PLANS = (Plan.ADVANCED_CBO, Plan.ENTERPRISE)

    caredove_id = models.CharField(_("Caredove id"), max_length=64, unique=True)
    name = models.CharField(max_length=200)
    plan = models.CharField(
        max_length=20,
        choices=Plan.choices,
        default=Plan.ADVANCED_CBO,
        help_text=_("Importing needs Advanced CBO or higher."),
    )
    time_zone = models.CharField(
        max_length=64, default="America/Toronto", validators=[check_time_zone]
    )
    language = models.CharField(
        max_length=10,
        choices=Language.choices,
        default=Language.ENGLISH,
        help_text=_("Of the Referral Summary, of the Referral Note, and of alerts."),
    )
    active = models.BooleanField(
        default=True, help_text=_("Off: events are kept, nothing is imported.")
    )
    history = HistoricalRecords()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        return zoneinfo.ZoneInfo(self.time_zone)

    @property
    def reads(self) -> str:
        """The language of what is for one reader: English where both are wanted."""
        return self.Language.FRENCH if self.language == self.Language.FRENCH else "en-ca"

    def may_import(self) -> bool:
        """Return whether the plan is sufficient and the organization is active."""
        return self.active and self.plan in self.IMPORTING_PLANS


class ServiceListing(models.Model):
    """One service of an organization, as Caredove lists it."""

    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="listings"
    )
    caredove_id = models.CharField(_("Caredove id"), max_length=64, unique=True)
    name = models.CharField(max_length=300)
    category = models.CharField(max_length=200, blank=True, help_text=_("As Caredove groups it."))
    active = models.BooleanField(
        _("listed in Caredove"),
        default=True,
        help_text=_("Off: Caredove does not list it any more. What it still sends is imported."),
    )
    history = HistoricalRecords()

    class Meta:
        ordering = ["organization__name", "name"]

    def __str__(self) -> str:
        return self.name

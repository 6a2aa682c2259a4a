"""Which people belong to which organizations, what they chose, and which scripts read for one."""

from datetime import datetime, timedelta

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _


class Membership(models.Model):
    """A person works for an organization, and may see what is its own.

    What somebody may do there is said by their role (`access.roles`).
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships"
    )
    organization = models.ForeignKey(
        "integrations.Organization", on_delete=models.CASCADE, related_name="memberships"
    )

    class Meta:
        ordering = ["user", "organization"]
        permissions = [("see_all_organizations", "Can see what belongs to any organization")]
        constraints = [
            models.UniqueConstraint(
                fields=["user", "organization"], name="member_of_an_organization_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.organization_id}"


class PersonalSettings(models.Model):
    """What a person has chosen for themselves; who has chosen nothing has no row."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="personal_settings"
    )
    language = models.CharField(
        max_length=10,
        blank=True,
        choices=settings.LANGUAGES,
        help_text=_("Empty: the one that their browser asks for."),
    )
    time_zone = models.CharField(max_length=64, blank=True, help_text="Empty: the portal's.")
    single_keys = models.BooleanField(
        default=True, help_text="Whether keys without Ctrl are shortcuts."
    )

    class Meta:
        verbose_name_plural = _("personal settings")

    def __str__(self) -> str:
        return f"settings of {self.user_id}"


LONGEST_LIFE = timedelta(days=366)


def check_expiry(moment: datetime) -> None:
    """Raise ValidationError unless the moment is within the next year."""
    if not timezone.now() < moment <= timezone.now() + LONGEST_LIFE:
        raise ValidationError(_("Choose a time within the next year."))


class ApiToken(models.Model):
    """A script may read what became of one organization's referrals, until a date."""

    organization = models.ForeignKey(
        "integrations.Organization", on_delete=models.CASCADE, related_name="api_tokens"
    )
    name = models.CharField(
        max_length=100, help_text=_("Which script uses it, so that you know it in a year.")
    )
    digest = models.CharField(max_length=64, unique=True, editable=False)
    expires_at = models.DateTimeField(
        validators=[check_expiry], help_text=_("Within a year. After it the token opens nothing.")
    )
    created_at = models.DateTimeField(auto_now_add=True)
    used_at = models.DateTimeField(_("last used at"), null=True, editable=False)
    secret: str  # known to the instance that was made alone

    class Meta:
        verbose_name = _("API token")
        ordering = ["organization", "name", "pk"]

    def __str__(self) -> str:
        return gettext("API token {id}").format(id=self.pk)

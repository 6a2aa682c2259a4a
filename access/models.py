"""Which people belong to which organizations, and what each has chosen for themselves."""

from django.conf import settings
from django.db import models


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
        help_text="Empty: the one that their browser asks for.",
    )

    class Meta:
        verbose_name_plural = "personal settings"

    def __str__(self) -> str:
        return f"settings of {self.user_id}"

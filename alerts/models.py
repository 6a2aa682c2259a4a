"""Whom to notify, of what is wrong, and how that went.

The tables belong to the app `workplace`, where they began: a table, its permissions, and the
context that its values are encrypted under are named by it.
"""

import uuid

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core.database.rows import KeyedModel
from core.fields import EncryptedTextField, SentenceField


class AlertKind(models.TextChoices):
    """What people can be told of."""

    FAILURE = "failure", _("A new kind of failure, which needs somebody")
    RETRYING = "retrying", _("A destination in trouble, which is tried again by itself")
    RECOVERY = "recovery", _("It works again")
    TOO_OLD = "too_old", _("An import is unfinished for too long")
    DIGEST = "digest", _("Every day, while errors are not cleared")


def every_alert_kind() -> list[str]:
    return list(AlertKind.values)


def check_alert_kinds(value: object) -> None:
    """Raise ValidationError unless `value` is a list of one or more kinds of alerts."""
    if not isinstance(value, list) or not value or not set(value) <= set(AlertKind.values):
        raise ValidationError(gettext("Choose at least one kind of alert."))


class AlertSettings(models.Model):
    """When an organization is told; the defaults hold where there is none."""

    organization = models.OneToOneField(
        "integrations.Organization", on_delete=models.CASCADE, related_name="alert_settings"
    )
    digest_hour = models.PositiveSmallIntegerField(
        default=8,
        validators=[MaxValueValidator(23)],
        help_text=_("Hour of the daily digest, 0 to 23, in the organization's time zone."),
    )
    oldest_hours = models.PositiveIntegerField(
        _("too old after"),
        default=24,
        validators=[MinValueValidator(1)],
        help_text=_("Hours after which an unfinished import is too old."),
    )

    class Meta:
        app_label = "workplace"
        ordering = ["organization__name"]
        verbose_name_plural = _("alert settings")

    def __str__(self) -> str:
        return gettext("alert settings of {organization}").format(organization=self.organization)


class AlertRecipient(KeyedModel):
    """Who is told of an organization's troubles, of which kinds, and by what way."""

    class Channel(models.TextChoices):
        EMAIL = "email", _("E-mail")
        WEBHOOK = "webhook", _("Webhook")

    organization = models.ForeignKey(
        "integrations.Organization", on_delete=models.CASCADE, related_name="alert_recipients"
    )
    channel = models.CharField(max_length=10, choices=Channel.choices, default=Channel.EMAIL)
    address = EncryptedTextField(max_length=500, help_text=_("An e-mail address, or a URL."))
    kinds = models.JSONField(default=every_alert_kind, validators=[check_alert_kinds])
    language = models.CharField(
        max_length=10,
        blank=True,
        choices=settings.LANGUAGES,
        help_text=_("Empty: the organization's."),
    )
    active = models.BooleanField(default=True)
    secret = EncryptedTextField(null=True, editable=False)

    class Meta:
        app_label = "workplace"
        ordering = ["organization__name", "pk"]
        permissions = [("connect_webhook", "Can let alerts go to webhooks")]

    def __str__(self) -> str:
        return gettext("alert recipient {id}").format(id=self.pk)

    @property
    def reads(self) -> str:
        """The language that this recipient is written to."""
        return self.language or self.organization.reads


class Trouble(models.Model):
    """One kind of failure at one place, from its first sign until it is over."""

    organization = models.ForeignKey(
        "integrations.Organization", on_delete=models.CASCADE, related_name="+"
    )
    destination = models.ForeignKey(
        "integrations.Destination", null=True, on_delete=models.CASCADE, related_name="+"
    )
    what = models.CharField(max_length=40, help_text=_("A cause, and the class of the answer."))
    place = models.CharField(max_length=20, help_text=_("The destination's key, or nothing."))
    began_at = models.DateTimeField()
    last_at = models.DateTimeField(help_text=_("Its latest sign."))
    notified_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        app_label = "workplace"
        ordering = ["-began_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "place", "what"],
                condition=Q(ended_at__isnull=True),
                name="trouble_is_open_once",
            )
        ]
        indexes = [
            models.Index(
                fields=["organization", "place", "what", "-began_at"], name="troubles_by_what"
            )
        ]

    def __str__(self) -> str:
        return f"{self.what} at {self.place or self.organization_id}"


class Alert(models.Model):
    """Something that people are told: at most one for each cause and hour. No personal data."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(
        "integrations.Organization", on_delete=models.CASCADE, related_name="+"
    )
    destination = models.ForeignKey(
        "integrations.Destination", null=True, on_delete=models.SET_NULL, related_name="+"
    )
    kind = models.CharField(max_length=10, choices=AlertKind.choices)
    cause = models.CharField(max_length=100)
    hour = models.DateTimeField(help_text=_("The hour in which it is told once."))
    made_at = models.DateTimeField()
    facts = models.JSONField(default=dict, help_text=_("Counts, times and causes."))

    class Meta:
        app_label = "workplace"
        ordering = ["-made_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "cause", "hour"], name="one_alert_for_cause_and_hour"
            )
        ]
        indexes = [models.Index(fields=["-made_at"], name="alerts_by_time")]

    def __str__(self) -> str:
        return f"alert {self.pk}"


class AlertDelivery(models.Model):
    """An alert on its way to one recipient. With a due time it is still to be sent."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, related_name="deliveries")
    recipient = models.ForeignKey(
        AlertRecipient, on_delete=models.CASCADE, related_name="deliveries"
    )
    due_at = models.DateTimeField(null=True)
    tries = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField(null=True)
    problem = SentenceField(blank=True, help_text=_("Of the last try."))

    class Meta:
        app_label = "workplace"
        ordering = ["alert", "recipient"]
        verbose_name_plural = _("alert deliveries")
        constraints = [
            models.UniqueConstraint(fields=["alert", "recipient"], name="alert_goes_to_each_once"),
            models.CheckConstraint(
                condition=Q(due_at__isnull=True) | Q(sent_at__isnull=True),
                name="sent_alert_is_not_due",
            ),
        ]
        indexes = [
            models.Index(
                fields=["due_at"], condition=Q(due_at__isnull=False), name="alerts_to_send"
            )
        ]

    def __str__(self) -> str:
        return f"delivery {self.pk}"

"""The audit trail: who did what, and when; and the keys that are in use."""

from typing import Any, NoReturn

from django.conf import settings
from django.db import models
from django.db.models.functions import Now


class AppendOnly(TypeError):
    """Somebody tried to change or delete what was written for good."""

    def __init__(self) -> None:
        super().__init__("The audit trail is only ever added to.")


class AuditEventQuerySet(models.QuerySet["AuditEvent"]):
    def update(self, **kwargs: Any) -> NoReturn:
        raise AppendOnly

    def delete(self) -> NoReturn:
        raise AppendOnly


class AuditEvent(models.Model):
    """One thing that somebody did. Written by `core.audit.record`, never changed or deleted.

    No personal data of clients: objects are named by type, id and their `str()`, which holds none.
    """

    at = models.DateTimeField(db_default=Now(), editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    username = models.CharField(
        "who", max_length=150, help_text="Stays when the account is gone; a program's own name."
    )
    ip = models.GenericIPAddressField("from", null=True, blank=True)
    action = models.CharField(max_length=100)
    object_type = models.CharField(max_length=100, blank=True)
    object_id = models.CharField(max_length=64, blank=True)
    object_label = models.CharField("object", max_length=200, blank=True)
    detail = models.JSONField(default=dict, blank=True)

    objects = AuditEventQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["object_id"], name="audit_by_object"),
            models.Index(fields=["username"], name="audit_by_username"),
            models.Index(fields=["at"], name="audit_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.object_type} {self.object_id}".strip()

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise AppendOnly
        super().save(*args, **{**kwargs, "force_insert": True})

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AppendOnly


class KeyCheck(models.Model):
    """A key of ENCRYPTION_KEYS that is in use: by this, it is missed where it is not there."""

    key_id = models.CharField(max_length=8, primary_key=True)
    value = models.CharField(max_length=64)
    since = models.DateTimeField(db_default=Now())
    lost_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        ordering = ["since"]

    def __str__(self) -> str:
        return f"key {self.key_id}"

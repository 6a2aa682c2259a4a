"""The audit trail: who did what, and when; its seals; and the keys that are in use."""

from typing import Any, NoReturn

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from core.database.rows import KeyedModel
from core.fields import EncryptedTextField


class AppendOnly(TypeError):
    """Somebody tried to change or delete what was written for good."""

    def __init__(self) -> None:
        super().__init__("The audit trail is only ever added to.")


class AppendOnlyQuerySet(models.QuerySet[Any]):
    def update(self, **kwargs: Any) -> NoReturn:
        raise AppendOnly

    def delete(self) -> NoReturn:
        raise AppendOnly


class AppendOnlyModel(models.Model):
    """Rows that are written once. Only `core.audit.chain` deletes some, when their time is over."""

    objects = AppendOnlyQuerySet.as_manager()

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise AppendOnly
        super().save(*args, **{**kwargs, "force_insert": True})

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AppendOnly


class AuditEvent(AppendOnlyModel):
    """One thing that somebody did. Written by `core.audit.record`, never changed or deleted.

    No personal data of clients: objects are named by type, id and their `str()`, which holds none.
    """

    at = models.DateTimeField(db_default=Now(), editable=False)
    # No constraint: who did it stays in the row when the account is deleted.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
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

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["object_id"], name="audit_by_object"),
            models.Index(fields=["username"], name="audit_by_username"),
            models.Index(fields=["at"], name="audit_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.object_type} {self.object_id}".strip()


class AuditSeal(AppendOnlyModel):
    """A batch of audit events, chained by a keyed digest to the batch before: `core.audit.chain`.

    `entries` are the events' ids, each with its own digest. A seal without entries says in `why`
    and `detail` what was done to the trail itself.
    """

    class Why(models.TextChoices):
        WRITTEN = "written"
        PURGED = "purged"
        RESTORED = "restored"

    number = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField()
    why = models.CharField(max_length=10, choices=Why.choices)
    detail = models.JSONField(default=dict)
    entries = models.JSONField(default=list)
    through = models.BigIntegerField()  # the highest id of an event that was sealed so far
    until = models.DateTimeField()  # when the latest of its events was written
    key_id = models.CharField(max_length=8)
    digest = models.CharField(max_length=64)

    class Meta:
        default_permissions = ()
        ordering = ["number"]

    def __str__(self) -> str:
        return f"seal {self.number}"


class AuditKey(KeyedModel):
    """What checks the seals of a time when another key of ENCRYPTION_KEYS was the first.

    Derived from that key, and kept encrypted, so that seals can be checked when it is gone.
    """

    key_id = models.CharField(max_length=8, unique=True)
    value = EncryptedTextField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"audit key {self.key_id}"


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

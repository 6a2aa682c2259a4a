"""Which hosts may deliver, and which backups were restored."""

from typing import TYPE_CHECKING

from django.db import models

if TYPE_CHECKING:
    from referrals.models.versions import Version


class Host(models.Model):
    """A host that delivers, or asks to, by the mark in its STATE_ROOT: `importing.restoring`."""

    id = models.UUIDField(primary_key=True, editable=False)
    number = models.PositiveBigIntegerField(
        default=0, help_text="Of its latest intent: never less than its mark."
    )
    asked_at = models.DateTimeField()
    admitted_at = models.DateTimeField(null=True, help_text="Since when it may deliver.")

    class Meta:
        default_permissions = ()
        ordering = ["asked_at"]

    def __str__(self) -> str:
        return f"host {self.pk}"


class Restore(models.Model):
    """The database was found to be a backup: what was sent after it may have arrived."""

    at = models.DateTimeField(help_text="When it was noticed, or a person said so.")
    known_until = models.DateTimeField(
        null=True, help_text="Until when a mark knows of the time that was lost."
    )

    class Meta:
        default_permissions = ()
        ordering = ["-at"]

    def __str__(self) -> str:
        return f"restore {self.pk}"

    def knows(self, version: "Version") -> bool:
        """Whether what may have arrived of it was sent under the same keys as would be used now.

        A version that was asked for after a backup is another one when its event comes again.
        """
        return self.known_until is not None and version.asked_at <= self.known_until

"""The versions of a mapping: each time it is saved differently, whole, with author and note."""

from collections.abc import Mapping as Dict
from typing import Any

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import Max

from core.compare import Difference
from core.database import clock
from mapping import models
from mapping.editing.differences import differences
from mapping.engine.targets import target_fields

NOTE_LENGTH = 500

Author = AbstractBaseUser | AnonymousUser | None


def keep(
    mapping: models.Mapping, content: Dict[str, Any], author: Author = None, note: str = ""
) -> models.MappingVersion | None:
    """Append a version, unless the newest says the same; then return None.

    `content` is the mapping as `exchange` exports it. Belongs into the transaction that saves it.
    """
    newest = mapping.versions.first()
    if newest and newest.content == content:
        return None
    return models.MappingVersion.objects.create(
        mapping=mapping,
        number=newest_number(mapping) + 1,
        content=content,
        author_id=author.pk if author else None,
        author_name=author.get_username() if author else "",
        saved_at=clock.now(),
        note=note[:NOTE_LENGTH],
    )


def newest_number(mapping: models.Mapping) -> int:
    """Return the number of the newest version; 0 without any."""
    found: int | None = None
    if mapping.pk:
        found = mapping.versions.aggregate(newest=Max("number"))["newest"]
    return found or 0


def difference(old: models.MappingVersion, new: models.MappingVersion) -> list[Difference]:
    """Return what changed from one version to the other, in words."""
    targets = target_fields(old.mapping.destination_kind)
    return differences(old.content, new.content, targets)

"""Taxonomies that a file only names: those of the directory, or new ones."""

import uuid
from uuid import UUID

from directory.importing.rows import Batch
from directory.models import Taxonomy


class Vocabularies:
    """Finds taxonomies by name; a name that is not known becomes one."""

    def __init__(self, batch: Batch) -> None:
        self._batch = batch
        self._ids: dict[str, UUID] = {}
        for one in Taxonomy.objects.select_related("entry").order_by("-pk"):
            for name in filter(None, (one.short_name, *one.name.values())):
                self._ids[name] = one.entry.hsds_id

    def id_of(self, name: str, file: str, line: int | None) -> UUID:
        """Return the id of the taxonomy with this name."""
        if name not in self._ids:
            self._ids[name] = uuid.uuid5(uuid.NAMESPACE_URL, f"urn:dovetail:taxonomy:{name}")
            cells = {"id": str(self._ids[name]), "name": name, "description": name}
            self._batch.add("taxonomy", cells, file=file, line=line)
        return self._ids[name]

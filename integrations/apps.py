from functools import partial
from typing import TYPE_CHECKING, Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate

if TYPE_CHECKING:
    from mapping.engine.targets import Takes


class IntegrationsConfig(AppConfig):
    name = "integrations"

    def ready(self) -> None:
        """Have what each kind of destination takes, stored, and ships known where it is needed."""
        from core.text import sentences
        from integrations import destinations
        from integrations.models import receivers  # noqa: F401 - registers them
        from mapping.engine import targets

        sentences.load_causes_with(destinations.kinds)
        for kind in destinations.names():
            targets.register(kind, partial(taken_by, kind), partial(label_of, kind))
        post_migrate.connect(install_shipped_mappings, sender=self)


def taken_by(kind: str) -> "Takes":
    """Return which fields a kind of destination takes; it is imported for that, and not before."""
    from integrations import destinations
    from mapping.engine.targets import Own, Takes

    transport = destinations.transport_class(kind)
    return Takes(tuple(transport.target_fields), Own(transport.targets.own))


def label_of(kind: str) -> str:
    """Return the name of a kind of destination for people, in their language."""
    from integrations import destinations

    return str(destinations.transport_class(kind).label)


def install_shipped_mappings(**_: Any) -> None:
    """Create or renew the mapping that ships with each kind of destination."""
    from django.db import connection

    from integrations import destinations
    from mapping.editing import exchange
    from mapping.models import Mapping

    if Mapping._meta.db_table not in connection.introspection.table_names():
        return  # migrated backwards
    for kind in destinations.names():
        if shipped := destinations.default_mapping(kind):
            exchange.install_shipped(kind, shipped)

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class IntegrationsConfig(AppConfig):
    name = "integrations"

    def ready(self) -> None:
        """Tell mappings which fields each kind of destination takes, and install its own."""
        from integrations import destinations
        from integrations.models import receivers  # noqa: F401 - registers them
        from mapping.engine import targets

        for kind, transport in destinations.kinds().items():
            is_open = transport.targets.own
            targets.register(kind, transport.target_fields, is_open=is_open)
        post_migrate.connect(install_shipped_mappings, sender=self)


def install_shipped_mappings(**_: Any) -> None:
    """Create or renew the mapping that ships with each kind of destination."""
    from django.db import connection

    from integrations import destinations
    from mapping.editing import exchange
    from mapping.models import Mapping

    if Mapping._meta.db_table not in connection.introspection.table_names():
        return  # migrated backwards
    for kind in destinations.kinds():
        if shipped := destinations.default_mapping(kind):
            exchange.install_shipped(kind, shipped)

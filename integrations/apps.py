from django.apps import AppConfig


class IntegrationsConfig(AppConfig):
    name = "integrations"

    def ready(self) -> None:
        """Tell mappings which fields each kind of destination takes."""
        from integrations import destinations
        from mapping import targets

        for kind, transport in destinations.kinds().items():
            targets.register(kind, transport.target_fields)

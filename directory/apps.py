from django.apps import AppConfig


class DirectoryConfig(AppConfig):
    name = "directory"

    def ready(self) -> None:
        """Let the configuration file speak of the directory."""
        from directory import configuration
        from integrations.configuration import keys

        keys.add("directory", configuration.KEY)
        keys.add_to_listings("directory_service", configuration.LISTING_KEY)

import gc

from django.apps import AppConfig


class CoreConfig(AppConfig):
    name = "core"

    def ready(self) -> None:
        from core.database import lookups  # noqa: F401 - registers them

        # Our programs look for no garbage before this: see `config`. What is loaded now stays.
        gc.freeze()
        gc.enable()

import gc

from django.apps import AppConfig
from django.utils.translation import gettext, ngettext

from core.text import sentences


class CoreConfig(AppConfig):
    name = "core"

    def ready(self) -> None:
        from core.database import durability, lookups  # noqa: F401 - registers them

        sentences.translate_with(gettext, ngettext)

        # Our programs look for no garbage before this: see `config`. What is loaded now stays.
        gc.freeze()
        gc.enable()

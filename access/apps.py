from django.apps import AppConfig
from django.contrib.admin.filters import FieldListFilter
from django.db.models import Field


class AccessConfig(AppConfig):
    name = "access"

    def ready(self) -> None:
        """Limit every filter of the admin that offers rows to those the person may see."""
        from access.filters import RelatedFilter

        FieldListFilter.register(_is_relation, RelatedFilter, take_priority=True)


def _is_relation(field: "Field[object, object]") -> bool:
    return bool(field.remote_field)

from django.apps import AppConfig
from django.contrib.admin.filters import FieldListFilter
from django.db.models import Field


class AccessConfig(AppConfig):
    name = "access"

    def ready(self) -> None:
        """Limit every filter of the admin that offers rows to those the person may see.

        Sign-ins reach the audit trail, and new keys the secrets of second factors.
        """
        from access import language  # noqa: F401 - registers its receiver
        from access.filters import RelatedFilter
        from access.signing_in import factor_secrets, receivers  # noqa: F401 - registers them
        from core.encryption import rotation

        rotation.register(factor_secrets.renew, factor_secrets.unbound)
        FieldListFilter.register(_is_relation, RelatedFilter, take_priority=True)


def _is_relation(field: "Field[object, object]") -> bool:
    return bool(field.remote_field)

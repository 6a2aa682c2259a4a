"""What a person may do, asked in one query."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Permission


class OneQueryBackend(ModelBackend):
    """Django's own, which asks for a person's permissions and those of their roles one by one.

    Every page asks, so every page is a query shorter.
    """

    def get_all_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        """Return the permissions of the person and of their roles; a superuser has them all."""
        if not user_obj.is_active or user_obj.is_anonymous or obj is not None:
            return set()
        if not hasattr(user_obj, "_perm_cache"):
            user_obj._perm_cache = {f"{app}.{name}" for app, name in _of(user_obj)}
        known: set[str] = user_obj._perm_cache
        return known


def _of(user: Any) -> Any:
    every = Permission.objects.order_by().values_list("content_type__app_label", "codename")
    if user.is_superuser:
        return every
    return every.filter(user=user).union(every.filter(group__user=user))

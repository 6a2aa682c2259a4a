"""An organization's configuration as a whole: what was changed in it, and taking it elsewhere."""

from functools import partial
from typing import Any

from django.contrib.admin import AdminSite
from django.urls import URLPattern, path

from workplace.configuration import history, transfer


def urls(site: AdminSite) -> list[URLPattern]:
    """Return the paths: the history and the export of an organization, and the import."""

    def page(view: Any) -> Any:
        return site.admin_view(partial(view, site))

    return [
        path("configuration/<int:pk>/", page(history.show), name="configuration_history"),
        path("configuration/<int:pk>/export/", page(transfer.export), name="configuration_export"),
        path("configuration/import/", page(transfer.take_in), name="configuration_import"),
    ]

"""Connecting a listing: where its referrals go, when, by which mapping, and what is missing."""

from functools import partial
from typing import Any

from django.contrib.admin import AdminSite
from django.urls import URLPattern, path

from workplace.connecting import choosing, connection, others


def urls(site: AdminSite) -> list[URLPattern]:
    """Return the paths: choose a listing, connect it, connect others in the same way."""

    def page(view: Any) -> Any:
        return site.admin_view(partial(view, site))

    return [
        path("connect/", page(choosing.choose), name="connect_listing"),
        path("connect/<int:pk>/", page(connection.connect), name="connect_listing"),
        path(
            "connect/<int:pk>/<int:destination>/others/",
            page(others.connect_others),
            name="connect_others",
        ),
    ]

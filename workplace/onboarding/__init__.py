"""Onboarding: how a new organization comes to import, step by step."""

from functools import partial
from typing import Any

from django.contrib.admin import AdminSite
from django.urls import URLPattern, path
from django.views.decorators.http import require_POST

from workplace.onboarding import acting, following, showing


def urls(site: AdminSite) -> list[URLPattern]:
    """Return the paths: the organizations, one of them, and what is done there."""

    def page(view: Any) -> Any:
        return site.admin_view(partial(view, site))

    def deed(view: Any) -> Any:
        return site.admin_view(require_POST(partial(view, site)))

    own = "onboarding/<int:pk>/"
    return [
        path("onboarding/", page(showing.organizations), name="onboarding"),
        path(own, page(showing.organization), name="onboarding"),
        path(f"{own}credentials/", page(acting.credentials), name="onboarding_credentials"),
        path(f"{own}seen/", deed(acting.preview_seen), name="onboarding_seen"),
        path(f"{own}live/", deed(acting.go_live), name="onboarding_live"),
        path(f"{own}test/", page(following.send_test), name="onboarding_test"),
        path(f"{own}test/<str:token>/", page(following.follow), name="onboarding_follow"),
    ]

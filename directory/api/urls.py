"""The paths of the public API. No slash at their end, but for the first."""

from collections.abc import Iterator

from django.urls import URLPattern, path, re_path

from directory.api import views
from directory.listing.parameters import PATHS

HSDS = "hsds/3.1"


def patterns() -> Iterator[URLPattern]:
    """Yield the paths of lists and of entries."""
    for name, kind in PATHS.items():
        yield path(f"{HSDS}/{name}", views.ListView.as_view(kind=kind), name=f"hsds-{name}")
        yield path(
            f"{HSDS}/{name}/<str:hsds_id>",
            views.EntryView.as_view(kind=kind),
            name=f"hsds-{kind}",
        )


urlpatterns = [
    path(HSDS, views.RootView.as_view(), name="hsds"),
    path(f"{HSDS}/", views.RootView.as_view()),
    path(f"{HSDS}/openapi.json", views.OpenApiView.as_view(), name="hsds-openapi"),
    path(f"{HSDS}/profile", views.ProfileView.as_view(), name="hsds-profile"),
    *patterns(),
    re_path(r"^hsds/3\.1/", views.NoSuchPath.as_view()),
]

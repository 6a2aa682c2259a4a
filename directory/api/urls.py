"""The paths of the public API. No slash at their end, but for the first."""

from collections.abc import Iterator

from django.urls import URLPattern, path, re_path

from directory.api import exports, icarol, views
from directory.listing.parameters import PATHS
from directory.models import Kind

HSDS = "hsds/3.1"
ICAROL = "icarol/v1"
OURS = "api/v1/directory"


def patterns() -> Iterator[URLPattern]:
    """Yield the paths of lists and of entries."""
    for name, kind in PATHS.items():
        yield path(f"{HSDS}/{name}", views.ListView.as_view(kind=kind), name=f"hsds-{name}")
        yield path(
            f"{HSDS}/{name}/<str:hsds_id>",
            views.EntryView.as_view(kind=kind),
            name=f"hsds-{kind}",
        )


def icarol_patterns() -> Iterator[URLPattern]:
    """Yield the paths that are shaped like iCarol's, each with a slash at its end and without."""
    for name, view in (
        ("Resource/Search", icarol.SearchView),
        ("Resource/Taxonomy", icarol.TaxonomyView),
        ("Resource", icarol.ResourceView),
    ):
        for end in ("", "/"):
            yield path(f"{ICAROL}/{name}{end}", view.as_view())
    yield re_path(rf"^{ICAROL}/", icarol.NoSuchPath.as_view())


urlpatterns = [
    path(HSDS, views.RootView.as_view(), name="hsds"),
    path(f"{HSDS}/", views.RootView.as_view()),
    path(f"{HSDS}/openapi.json", views.OpenApiView.as_view(), name="hsds-openapi"),
    path(f"{HSDS}/profile", views.ProfileView.as_view(), name="hsds-profile"),
    path(
        "api/v1/directory/exports/<str:format>",
        exports.ExportView.as_view(),
        name="directory-export",
    ),
    *patterns(),
    re_path(r"^hsds/3\.1/", views.NoSuchPath.as_view()),
    path(f"{OURS}/changes", views.ChangesView.as_view(), name="directory-changes"),
    path(
        f"{OURS}/locations/<str:hsds_id>",
        views.EntryView.as_view(kind=Kind.LOCATION),
        name="hsds-location",
    ),
    *icarol_patterns(),
]

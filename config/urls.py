"""Every URL of the portal."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

admin.autodiscover()

handler500 = "core.web.views.server_error"

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("account/", include("access.signing_in.urls")),
    # Pages of an earlier name: links in tickets and mails lead on.
    path(
        "admin/referrals/importjob/<path:rest>",
        RedirectView.as_view(
            url="/admin/referrals/delivery/%(rest)s", query_string=True, permanent=True
        ),
    ),
    path(
        "admin/referrals/importjob/",
        RedirectView.as_view(
            pattern_name="admin:referrals_delivery_changelist", query_string=True, permanent=True
        ),
    ),
    path("admin/", admin.site.urls),
    path("", include("core.web.urls")),
    path("", include("directory.api.urls")),
    path("", include("directory.pages.urls")),
    path("", include("referrals.api.urls")),
]

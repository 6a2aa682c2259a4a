"""Every URL of the portal."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

admin.autodiscover()

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("account/", include("access.signing_in.urls")),
    path("admin/", admin.site.urls),
    path("", include("core.urls")),
    path("", include("referrals.api.urls")),
]

"""URLs of the API. No trailing slashes: senders do not follow redirects."""

import re
from collections.abc import Iterator

from django.urls import URLPattern, path, re_path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from integrations import sources
from referrals.api import partner, views

API = "api"


def endpoint_patterns() -> Iterator[URLPattern]:
    """Yield the addresses at which the kinds of sources take events; the first has the name."""
    for name, kind in sources.kinds().items():
        for endpoint in kind.endpoints:
            view = views.EndpointView.as_view(kind=name, endpoint=endpoint)
            for number, address in enumerate(endpoint.addresses):
                yield path(address, view, name=None if number else f"{name}-{endpoint.name}")


def remaining_patterns() -> Iterator[URLPattern]:
    """Yield what answers for all that is no address: below an endpoint's, in its words."""
    yield re_path(rf"^{API}/", views.no_such_address)
    for kind in sources.kinds().values():
        for endpoint in kind.endpoints:
            for folder in {address.partition("/")[0] for address in endpoint.addresses} - {API}:
                words = {"responses": endpoint.responses}
                yield re_path(rf"^{re.escape(folder)}/", views.no_such_address, words)


urlpatterns = [
    *endpoint_patterns(),
    path("api/v1/events/<uuid:event_id>", views.EventView.as_view(), name="event"),
    path("api/v1/referrals/<str:reference>", views.ReferralView.as_view(), name="referral"),
    path("api/v1/partner/referrals", partner.ReferralsView.as_view(), name="partner-referrals"),
    path(
        "api/v1/partner/referrals/<path:reference>/files/<path:file_id>",
        partner.FileView.as_view(),
        name="partner-file",
    ),
    path(
        "api/v1/partner/referrals/<path:reference>",
        partner.ReferralView.as_view(),
        name="partner-referral",
    ),
    path("api/v1/schema", SpectacularAPIView.as_view(), name="schema"),
    path("api/v1/docs", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="docs"),
    *remaining_patterns(),
]

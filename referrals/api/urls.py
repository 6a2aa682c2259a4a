"""URLs of the API. No trailing slashes: senders do not follow redirects."""

from django.urls import path, re_path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from referrals.api import views

urlpatterns = [
    path("api/v1/events", views.EventsView.as_view(), name="events"),
    path("api/v1/events/<uuid:event_id>", views.EventView.as_view(), name="event"),
    path("api/v1/referrals/<str:reference>", views.ReferralView.as_view(), name="referral"),
    path("api/v1/schema", SpectacularAPIView.as_view(), name="schema"),
    path("api/v1/docs", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="docs"),
    path(
        "fhir/$process-message",
        views.FhirMessageView.as_view(),
        name="fhir-message",
    ),
    path(
        "fhir/MessageHeader/$process-message",
        views.FhirMessageView.as_view(),
        name="fhir-message-header",
    ),
    re_path(r"^api/", views.no_such_address),
    re_path(r"^fhir/", views.no_such_fhir_address),
]

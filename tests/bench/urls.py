"""The portal's URLs, and one whose view does nothing."""

from django.http import HttpRequest, HttpResponse
from django.urls import include, path


def nothing(request: HttpRequest) -> HttpResponse:
    return HttpResponse(status=202)


nothing.csrf_exempt = True  # type: ignore[attr-defined]

urlpatterns = [path("bare", nothing), path("", include("config.urls"))]

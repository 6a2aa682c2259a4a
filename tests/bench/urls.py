"""The portal's URLs, and views that are what ours are compared with."""

from django.http import HttpRequest, HttpResponse
from django.urls import include, path


def nothing(request: HttpRequest) -> HttpResponse:
    return HttpResponse(status=202)


def services(request: HttpRequest) -> HttpResponse:
    """Return 50 texts that are stored as they are sent, in a list."""
    from directory.models import Answer

    rows = Answer.objects.filter(language="en", entry__kind="service").order_by("entry")
    texts = ",".join(rows.values_list("full", flat=True)[:50])
    return HttpResponse(f'{{"contents":[{texts}]}}', content_type="application/json")


nothing.csrf_exempt = True  # type: ignore[attr-defined]
services.for_programs = True  # type: ignore[attr-defined] # no more middleware than ours

urlpatterns = [
    path("bare", nothing),
    path("bare-services", services),
    path("", include("config.urls")),
]

"""The portal's addresses, and beside them a bare view that sends 50 rows as they are stored."""

from django.http import HttpRequest, HttpResponse
from django.urls import include, path

from directory.models import Answer

PAGE = 50


def bare(request: HttpRequest) -> HttpResponse:
    found = Answer.objects.filter(entry__kind="service", language="en").order_by("entry__hsds_id")
    contents = ",".join(found.values_list("flat", flat=True)[:PAGE])
    return HttpResponse(f'{{"contents":[{contents}]}}', content_type="application/json")


bare.for_programs = True  # type: ignore[attr-defined] # no more middleware than ours

urlpatterns = [path("bare", bare), path("", include("config.urls"))]

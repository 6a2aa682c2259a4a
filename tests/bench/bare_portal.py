"""The least that Django can do with an event: one view without middleware, one INSERT.

`gunicorn tests.bench.bare_portal` serves it on the database of DATABASE_URL.
"""

import uuid

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import path

from config import settings as ours

settings.configure(
    ALLOWED_HOSTS=ours.ALLOWED_HOSTS,
    DATABASES=ours.DATABASES,
    LOGGING_CONFIG=None,
    MIDDLEWARE=[],
    ROOT_URLCONF="tests.bench.bare_portal",
    SECRET_KEY=ours.SECRET_KEY,
    USE_TZ=True,
)

TABLE = "CREATE TABLE IF NOT EXISTS bare_event (id char(36) PRIMARY KEY, body {} NOT NULL)"


def store(request: HttpRequest) -> HttpResponse:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO bare_event VALUES (%s, %s)", [str(uuid.uuid4()), request.body])
    return HttpResponse(status=202)


urlpatterns = [path("", store)]
application = get_wsgi_application()
with connection.cursor() as cursor:
    cursor.execute(TABLE.format("bytea" if connection.vendor == "postgresql" else "blob"))

"""The least that Django can do with an event: one view, a credential that is checked, one INSERT.

`gunicorn tests.bench.bare_portal` serves it on the database of DATABASE_URL.
"""

import hashlib
import hmac
import uuid

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import path

from config import settings as ours
from tests.bench.portal import headers

settings.configure(
    ALLOWED_HOSTS=ours.ALLOWED_HOSTS,
    DATABASES=ours.DATABASES,
    LOGGING_CONFIG=None,
    MIDDLEWARE=[],
    ROOT_URLCONF="tests.bench.bare_portal",
    SECRET_KEY=ours.SECRET_KEY,
    USE_TZ=True,
)

CREDENTIALS = """
CREATE TABLE IF NOT EXISTS bare_credential (name varchar(50) PRIMARY KEY, hash char(64) NOT NULL)
"""
TABLE = "CREATE TABLE IF NOT EXISTS bare_event (id char(36) PRIMARY KEY, body {} NOT NULL)"


def store(request: HttpRequest) -> HttpResponse:
    sent = hashlib.sha256(request.headers["Authorization"].encode()).hexdigest()
    with connection.cursor() as cursor:
        cursor.execute("SELECT hash FROM bare_credential WHERE name = %s", ["sender"])
        ((known,),) = cursor.fetchall()
        if not hmac.compare_digest(sent, known):
            return HttpResponse(status=401)
        cursor.execute("INSERT INTO bare_event VALUES (%s, %s)", [str(uuid.uuid4()), request.body])
    return HttpResponse(status=202)


urlpatterns = [path("", store)]
application = get_wsgi_application()
with connection.cursor() as cursor:
    cursor.execute(CREDENTIALS)
    cursor.execute(
        "INSERT INTO bare_credential VALUES (%s, %s) ON CONFLICT DO NOTHING",
        ["sender", hashlib.sha256(headers()["Authorization"].encode()).hexdigest()],
    )
    cursor.execute(TABLE.format("bytea" if connection.vendor == "postgresql" else "blob"))

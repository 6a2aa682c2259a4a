"""A DRF view, a Celery task with autoretry, a dict for mapping, WeasyPrint, `requests.post`.

Kept small, and honest: what such a portal does, it does as its libraries' guides show. It promises
nothing: what is sent twice, half sent or lost stays so. `gunicorn tests.bench.naive.portal` and
`celery -A tests.bench.naive.portal worker` run it on the database of DATABASE_URL.
"""

import base64
import hashlib
import hmac
import json
import os
from html import escape
from typing import Any

import requests
from celery import Celery
from django.conf import settings

from config import settings as ours

DEFAULT_MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
settings.configure(
    ALLOWED_HOSTS=ours.ALLOWED_HOSTS,
    CELERY_BROKER_URL=ours.CELERY_BROKER_URL,
    DATABASES=ours.DATABASES,
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "django.contrib.messages",
        "rest_framework",
    ],
    LOGGING_CONFIG=None,
    MIDDLEWARE=DEFAULT_MIDDLEWARE,
    REST_FRAMEWORK={"DEFAULT_AUTHENTICATION_CLASSES": [], "UNAUTHENTICATED_USER": None},
    ROOT_URLCONF=__name__,
    SECRET_KEY=ours.SECRET_KEY,
    USE_TZ=True,
)

app = Celery("naive")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.task_default_queue = "naive"

from django.core.wsgi import get_wsgi_application  # noqa: E402 - settings first

application = get_wsgi_application()

from django.db import connection, models  # noqa: E402
from django.urls import path  # noqa: E402
from rest_framework.parsers import BaseParser  # noqa: E402
from rest_framework.request import Request  # noqa: E402
from rest_framework.response import Response  # noqa: E402
from rest_framework.views import APIView  # noqa: E402
from weasyprint import HTML  # noqa: E402

CRMS, TOKEN = os.environ["BENCH_CRMS"], os.environ["BENCH_TOKEN"]
SENDER = os.environ["BENCH_SENDER"]  # what the sender's Authorization header must be
SECONDS = 30


class Referral(models.Model):
    message = models.JSONField()
    status = models.CharField(max_length=20, default="received")
    crms_id = models.CharField(max_length=50, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        app_label = "naive"
        db_table = "naive_referral"


class FhirParser(BaseParser):
    media_type = "application/fhir+json"

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        return json.load(stream)


class MessageView(APIView):
    parser_classes = (FhirParser,)

    def post(self, request: Request) -> Response:
        if not hmac.compare_digest(request.headers.get("Authorization", ""), SENDER):
            return Response(status=401)
        referral = Referral.objects.create(message=request.data)
        send.delay(referral.pk)
        return Response({"id": referral.pk}, status=202)


@app.task(autoretry_for=(Exception,), retry_backoff=True, max_retries=5)
def send(referral_id: int) -> None:
    """Put a referral, its summary and its files into the CRMS."""
    referral = Referral.objects.get(pk=referral_id)
    resources = by_type(referral.message)
    answer = post("/api/v1/referrals", json=mapped(resources))
    referral.crms_id = answer["id"]
    summary = HTML(string=page(resources)).write_pdf(pdf_variant="pdf/ua-1")
    attach(referral.crms_id, "referral_summary", "summary.pdf", "application/pdf", summary)
    for document in resources.get("DocumentReference", []):
        file = document["content"][0]["attachment"]
        content = base64.b64decode(file["data"]) if "data" in file else fetched(file["url"])
        attach(referral.crms_id, "attachment", file["title"], file["contentType"], content)
    referral.status = "sent"
    referral.save()


# -- Mapping -------------------------------------------------------------------------------------


def by_type(message: Any) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for entry in message["entry"]:
        found.setdefault(entry["resource"]["resourceType"], []).append(entry["resource"])
    return found


def mapped(resources: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    request, person = resources["ServiceRequest"][0], resources["Patient"][0]
    name, address = person["name"][0], person["address"][0]
    telecom = {(one["system"], one.get("use")): one["value"] for one in person["telecom"]}
    practitioner = resources["Practitioner"][0]["name"][0]
    return {
        "external_reference": request["id"],
        "source": "Caredove",
        "program": resources["HealthcareService"][0]["name"],
        "client": {
            "first_name": name["given"][0],
            "middle_name": " ".join(name["given"][1:]),
            "last_name": name["family"],
            "date_of_birth": person["birthDate"],
            "gender": person["gender"],
            "preferred_language": person["communication"][0]["language"]["text"],
            "phone_home": telecom.get(("phone", "home"), ""),
            "phone_alt": telecom.get(("phone", "mobile"), ""),
            "email": telecom.get(("email", None), ""),
            "address": ", ".join(address["line"]),
            "city": address["city"],
            "province": address["state"],
            "country": address["country"],
            "postal_code": address["postalCode"],
        },
        "requester": {
            "first_name": practitioner["given"][0],
            "last_name": practitioner["family"],
            "organization": resources["Organization"][0]["name"],
        },
        "referral_note": "\n".join(f"{label}: {value}" for label, value in lines(resources)),
    }


def lines(resources: dict[str, list[dict[str, Any]]]) -> list[tuple[str, str]]:
    request = resources["ServiceRequest"][0]
    found = [("Reason", one["text"]) for one in request.get("reasonCode", [])]
    found += [("Note", one["text"]) for one in request.get("note", [])]
    for response in resources.get("QuestionnaireResponse", []):
        for item in response["item"]:
            (answer,) = item["answer"]
            found.append((item["text"], str(next(iter(answer.values())))))
    return found


def page(resources: dict[str, list[dict[str, Any]]]) -> str:
    """Return the summary as a page with its style in it and a table of all that is known."""
    record = mapped(resources)
    rows = [(key, value) for key, value in record.items() if isinstance(value, str)]
    for group in ("client", "requester"):
        rows += [(f"{group} {key}", value) for key, value in record[group].items()]
    rows += lines(resources)
    cells = "".join(f"<tr><th>{escape(key)}<td>{escape(value)}" for key, value in rows)
    style = "body { font: 10pt sans-serif } th { text-align: left; padding-right: 1em }"
    return (
        f"<html lang=en><title>Referral</title><style>{style}</style>"
        f"<h1>Referral {escape(record['external_reference'])}</h1><table>{cells}</table>"
    )


# -- The CRMS ------------------------------------------------------------------------------------


def post(where: str, **what: Any) -> Any:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    answer = requests.post(CRMS + where, headers=headers, timeout=SECONDS, **what)
    answer.raise_for_status()
    return answer.json()


def attach(crms_id: str, category: str, name: str, kind: str, content: bytes) -> None:
    fields = {"category": category, "sha256": hashlib.sha256(content).hexdigest()}
    files = {"file": (name, content, kind)}
    post(f"/api/v1/referrals/{crms_id}/attachments", data=fields, files=files)


def fetched(url: str) -> bytes:
    answer = requests.get(url, timeout=SECONDS)
    answer.raise_for_status()
    return answer.content


urlpatterns = [path("messages", MessageView.as_view())]
if Referral._meta.db_table not in connection.introspection.table_names():
    with connection.schema_editor() as editor:
        editor.create_model(Referral)
connection.close()  # gunicorn and celery fork from here

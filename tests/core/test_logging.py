import io
import json
import logging
import logging.config
import subprocess
import sys

import pytest
import structlog
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.db import IntegrityError, transaction
from django.urls import path

from config import urls
from core import logging as logs
from core.encryption import Tampered
from core.outbound import Unreachable

SECRET = "Lovelace"


class Lines(logging.StreamHandler):
    """A handler with the portal's formatter, and what came out of it."""

    def __init__(self, debug=False):
        self.out = io.StringIO()
        super().__init__(self.out)
        self.setFormatter(logs.SafeFormatter(debug=debug))

    @property
    def text(self):
        return self.out.getvalue()

    @property
    def last(self):
        return json.loads(self.text.splitlines()[-1])


@pytest.fixture
def lines():
    handler = Lines()
    logging.getLogger().addHandler(handler)
    yield handler
    logging.getLogger().removeHandler(handler)


def raised(error):
    try:
        raise error
    except type(error) as caught:
        return caught


# -- Exceptions -------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize("logger", [structlog.get_logger("portal"), logging.getLogger("portal")])
def test_a_database_error_leaves_no_value_in_the_log(lines, logger):
    User.objects.create(username=SECRET)
    try:
        with transaction.atomic():
            User.objects.create(username=SECRET)
    except IntegrityError as error:
        logger.exception("not stored")
        logger.error("not stored: %s", error)
        logger.warning("not stored", exc_info=error)
    assert SECRET not in lines.text
    assert "django.db.utils.IntegrityError" in lines.text
    assert "tests/core/test_logging.py" in lines.text


def test_an_exception_is_logged_by_its_type_and_places(lines):
    try:
        raised(ValueError(SECRET))
        raise RuntimeError(SECRET) from raised(KeyError(SECRET))
    except RuntimeError:
        structlog.get_logger().exception("failed", step=3)
    assert SECRET not in lines.text
    first, *rest = lines.last["exception"].splitlines()
    assert first == "RuntimeError"
    assert any(line.startswith("  tests/core/test_logging.py:") for line in rest)
    assert "caused by KeyError" in rest
    assert lines.last["event"] == "failed"
    assert lines.last["step"] == 3
    assert lines.last["level"] == "error"


@pytest.mark.parametrize(
    "error",
    [
        Unreachable("crms.example could not be reached."),
        Tampered("core.secret.text"),
        ImproperlyConfigured("ENCRYPTION_KEYS is empty"),
    ],
)
def test_a_message_of_our_own_is_shown(lines, error):
    logging.getLogger("portal").error("failed", exc_info=raised(error))
    assert str(error) in lines.last["exception"]


def test_what_celery_states_of_a_failed_task_is_cut(lines):
    context = {"name": "referrals.tasks.run", "exc": SECRET, "traceback": SECRET, "args": SECRET}
    logging.getLogger("celery.app.trace").error(
        "Task %(name)s raised: %(exc)s %(args)s\n%(traceback)s", context, extra={"data": context}
    )
    assert "referrals.tasks.run" in lines.text
    assert SECRET not in lines.text


def test_another_handler_still_gets_the_record_whole(lines):
    seen = []
    other = logging.Handler()
    other.emit = lambda record: seen.append(record.getMessage())
    logging.getLogger().addHandler(other)
    logging.getLogger("portal").error("failed: %s", raised(ValueError("whole")))
    logging.getLogger().removeHandler(other)
    assert "whole" not in lines.text
    assert seen == ["failed: whole"]


@pytest.mark.programs
@pytest.mark.parametrize("thread", [False, True])
def test_what_no_one_caught_is_logged_without_its_message(thread):
    fail = f"raise ValueError('{SECRET}')"
    if thread:
        fail = (
            f"import threading\ndef fail(): {fail}\n"
            "t = threading.Thread(target=fail); t.start(); t.join()"
        )
    program = (
        "import logging.config\nfrom core import logging as logs\n"
        "logging.config.dictConfig(logs.config(debug=False))\nlogs.configure(debug=False)\n" + fail
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert SECRET not in done.stdout + done.stderr
    line = json.loads(done.stderr.splitlines()[-1])
    assert line["event"] == "uncaught_exception"
    assert line["exception"].startswith("ValueError")


# -- Texts and fields -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        '"GET /admin/referrals/referral/?q=Lovelace HTTP/1.1" 200',
        "/admin/auth/user/?Lovelace",
        "https://files.example/a?name=Lovelace&b=c",
        "cannot reach redis://user:Lovelace@127.0.0.1:6379/0",
        "sent Authorization: Basic TG92ZWxhY2U6Lovelace=",
        "sent Authorization: Bearer Lovelace",
        "duplicate key\nDETAIL:  Key (name)=(Lovelace) already exists.\nmore Lovelace",
    ],
)
def test_what_may_be_personal_in_a_text_is_cut(lines, text):
    logging.getLogger("portal").warning(text)
    structlog.get_logger("portal").warning("said", words=text, nested=[{"words": text}])
    assert SECRET not in lines.text
    assert logs.REDACTED in lines.text


@pytest.mark.parametrize("text", ["Why is it not in CRMS? See /readyz", "took 3 s", "basic set-up"])
def test_other_texts_stay_as_they_are(lines, text):
    logging.getLogger("portal").warning(text)
    assert lines.last["event"] == text


@pytest.mark.parametrize(
    "key", ["password", "body", "request_body", "Authorization", "client_secret", "data", "query"]
)
def test_a_field_with_an_unsafe_name_is_cut(lines, key):
    structlog.get_logger().warning("said", **{key: SECRET}, nested={key: [SECRET]})
    assert SECRET not in lines.text


def test_objects_are_named_by_their_type_only(lines):
    class Person:
        def __repr__(self):
            return SECRET

    structlog.get_logger().warning("said", person=Person(), raw=b"Lovelace", error=KeyError(SECRET))
    assert SECRET not in lines.text
    assert lines.last["raw"] == "<bytes>"
    assert lines.last["error"] == "<KeyError>"


# -- Requests ---------------------------------------------------------------------------------


def failing(request):
    raise ValueError(SECRET)


urlpatterns = [path("fails", failing), *urls.urlpatterns]


@pytest.mark.urls(__name__)
@pytest.mark.django_db
def test_a_request_leaves_neither_query_nor_message(lines, client):
    client.raise_request_exception = False
    client.get("/fails", {"q": SECRET})
    client.get("/nowhere", {"q": SECRET})
    assert SECRET not in lines.text
    assert "GET /fails" in lines.text
    assert "GET /nowhere" in lines.text
    assert lines.last["event"] == "request_finished"
    assert lines.last["code"] == 404
    assert lines.last["request_id"]


def test_a_developer_sees_the_message():
    handler = Lines(debug=True)
    record = logging.LogRecord("portal", logging.ERROR, "", 1, "failed", (), None)
    error = raised(ValueError("what happened"))
    record.exc_info = (type(error), error, error.__traceback__)
    assert "what happened" in handler.format(record)


def test_no_library_keeps_a_handler_of_its_own():
    """Django's own would print request lines with their queries."""
    names = ("", "django", "django.server", "urllib3")
    before = {name: logging.getLogger(name).handlers for name in names}
    logging.config.dictConfig(logs.config(debug=False))
    try:
        handlers = {name: logging.getLogger(name).handlers for name in names}
    finally:
        for name, kept in before.items():
            logging.getLogger(name).handlers = kept
    (only,) = handlers.pop("")
    assert isinstance(only.formatter, logs.SafeFormatter)
    assert not any(handlers.values())


# -- What somebody else wrote -------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        'a\n{"event": "forged", "level": "info"}',
        "a\r\nb",
        "a\x1b[31mred",
        "a\x00b",
        "a\u2028b\u2029c\x85d",
        '", "event": "forged',
    ],
)
@pytest.mark.parametrize("logger", [structlog.get_logger("portal"), logging.getLogger("portal")])
def test_whatever_is_logged_stays_one_line_of_its_own(lines, logger, text):
    before = len(lines.text.split("\n"))
    logger.warning(f"came: {text}")  # noqa: G004 - as whoever forgets would write it
    assert len(lines.text.split("\n")) == before + 1
    assert json.loads(lines.text.split("\n")[-2])["level"] == "warning"
    assert "\x1b" not in lines.text
    assert "\r" not in lines.text


def test_a_refused_page_is_logged_with_its_account(lines, client, db):
    user = User.objects.create_user("mallory", is_staff=True)
    client.force_login(user)
    assert client.get("/admin/auth/user/").status_code == 403
    refused = [json.loads(line) for line in lines.text.splitlines() if '"code": 403' in line]
    assert [(one["user_id"], one["request"]) for one in refused] == [
        (user.pk, "GET /admin/auth/user/")
    ]

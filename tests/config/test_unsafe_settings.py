"""In production mode, Dovetail refuses to start with unsafe settings and names each of them."""

import json
import os
import subprocess
import sys
from base64 import urlsafe_b64decode
from typing import Any

import pytest

from config.checks import only_loopback
from tests.services import ROOT

pytestmark = pytest.mark.programs

# Two good keys: bytes 0 to 31, and 1 to 32, in URL-safe base64.
KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
OTHER_KEY = "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA="
GOOD = {
    "DEBUG": "false",
    "SECRET_KEY": "Zq3vX9kLw2Rt8Yb5Nc7Mf4Hd6Gs1Jp0Au-Ei_Oy-Tx_Vz-Wn_Qm-Kl",
    "ENCRYPTION_KEYS": KEY,
    "ALLOWED_HOSTS": "portal.example.org",
    "ALLOW_LOOPBACK": "false",
    "HTTPS_ONLY": "true",
    "DATABASE_URL": "sqlite://:memory:",
    "CELERY_BROKER_URL": "",
}


def start(*command: str, **changes: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], **GOOD, **changes}
    return subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def loaded(*names: str, **changes: str) -> list[Any]:
    """Return the values of settings, as a process that starts with these changes has them."""
    show = "import json, sys; from config import settings as loaded; "
    show += "print(json.dumps([getattr(loaded, name) for name in sys.argv[1:]]))"
    return json.loads(start("-c", show, *names, **changes).stdout)


UNSAFE = [
    ("SECRET_KEY", ""),
    ("SECRET_KEY", "short-and-guessable"),
    ("SECRET_KEY", "a" * 60),
    ("SECRET_KEY", "django-insecure-8s7d6f5g4h3j2k1l0q9w8e7r6t5y4u3i2o1p0azs"),
    ("ENCRYPTION_KEYS", ""),
    ("ENCRYPTION_KEYS", "not-base64-of-32-bytes"),
    ("ENCRYPTION_KEYS", KEY.rstrip("=")),
    ("ENCRYPTION_KEYS", KEY.replace("Aw", "A\u00e9", 1)),
    ("ENCRYPTION_KEYS", f"{KEY},tooshort"),
    ("ENCRYPTION_KEYS", f"{KEY},{KEY}"),
    ("ENCRYPTION_KEYS", "A" * 43 + "="),
    ("ALLOWED_HOSTS", ""),
    ("ALLOWED_HOSTS", "portal.example.org,*"),
    ("RETRY_SCHEDULE", "60,-1"),
    ("SETTLE_SECONDS", "-1"),
    ("LEASE_SECONDS", "0"),
    ("STOP_SECONDS", "0"),
    ("MAX_BODY_BYTES", "0"),
    # Sessions that never begin, or that are longer than a day.
    ("SESSION_SECONDS", "0"),
    ("SESSION_SECONDS", "31536000"),
    ("SESSION_IDLE_SECONDS", "0"),
    ("SESSION_IDLE_SECONDS", "31536000"),
]
# Loads the settings again and again, each time with one other value, and prints what is said.
LOADS = """
import json, os, runpy, sys
from django.core.exceptions import ImproperlyConfigured
good, answers = dict(os.environ), []
for name, value in json.loads(sys.argv[1]):
    os.environ.clear()
    os.environ.update(good, **{name: value})
    try:
        runpy.run_module("config.settings")
        answers.append("")
    except ImproperlyConfigured as refused:
        answers.append(str(refused))
print(json.dumps(answers))
"""


def test_an_unsafe_value_is_refused_by_name_and_not_shown(subtests):
    answers = json.loads(start("-c", LOADS, json.dumps(UNSAFE)).stdout)
    for (name, value), refusal in zip(UNSAFE, answers, strict=True):
        with subtests.test(name=name, value=value):
            problems = [line for line in refusal.splitlines() if line.startswith("- ")]
            assert len(problems) == 1
            assert problems[0].startswith(f"- {name}")
            assert len(value) < 8 or value not in refusal


def test_every_unsafe_value_is_named_at_once():
    refused = start(
        "manage.py", "check", SECRET_KEY="", ENCRYPTION_KEYS=f"{KEY},bad", ALLOWED_HOSTS="*"
    )
    named = [line[2:].split()[0] for line in refused.stderr.splitlines() if line.startswith("- ")]
    assert named == ["SECRET_KEY", "ENCRYPTION_KEYS:", "ALLOWED_HOSTS"]
    assert refused.returncode == 1
    assert "key 2 of 2" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_the_web_server_refuses_too():
    refused = start("-c", "import config.wsgi", SECRET_KEY="")
    assert refused.returncode == 1
    assert "SECRET_KEY is missing" in refused.stderr


def test_safe_values_start_and_the_deploy_check_has_nothing_to_report():
    checked = start("manage.py", "check", "--deploy", "--fail-level", "WARNING")
    assert checked.returncode == 0, checked.stderr


def test_several_keys_may_stand_with_spaces_between():
    assert loaded("ENCRYPTION_KEYS", ENCRYPTION_KEYS=f"{KEY}, {OTHER_KEY}") == [[KEY, OTHER_KEY]]


def test_debug_starts_with_nothing_set_and_still_encrypts():
    [[key]] = loaded("ENCRYPTION_KEYS", DEBUG="true", SECRET_KEY="debug", ENCRYPTION_KEYS="")
    assert len(urlsafe_b64decode(key)) == 32


def test_open_loopback_is_a_deploy_warning_where_others_reach_the_portal():
    checked = start(
        "manage.py", "check", "--deploy", "--fail-level", "WARNING", ALLOW_LOOPBACK="true"
    )
    assert checked.returncode == 1
    assert "config.W001" in checked.stderr


def test_the_deploy_check_names_each_unsafe_setting():
    checked = start(
        "manage.py",
        "check",
        "--deploy",
        REQUIRE_SECOND_FACTOR="false",
        ALLOWED_PRIVATE_NETWORKS="10.1.0.0/16,0.0.0.0/0,::/0,10.0.0.0/8",
        HTTPS_ONLY="false",
    )
    for named in (
        "REQUIRE_SECOND_FACTOR is off",
        "0.0.0.0/0, ::/0, 10.0.0.0/8",
        "SECURE_SSL_REDIRECT",
        "SESSION_COOKIE_SECURE",
        "CSRF_COOKIE_SECURE",
        "SECURE_HSTS_SECONDS",
    ):
        assert named in checked.stderr, named
    assert "10.1.0.0/16," not in checked.stderr
    # On this machine alone, a password is enough.
    at_home = start(
        "manage.py", "check", "--deploy", REQUIRE_SECOND_FACTOR="false", ALLOWED_HOSTS="localhost"
    )
    assert "REQUIRE_SECOND_FACTOR" not in at_home.stderr


def test_no_program_nor_what_it_starts_leaves_a_core_dump():
    # What is asked of the system: where the tests run, the limit may be none already.
    show = "import resource; asked = []; resource.setrlimit = lambda *one: asked.append(one)\n"
    show += "from config import settings; print((resource.RLIMIT_CORE, (0, 0)) in asked)"
    assert start("-c", show).stdout.strip() == "True"


@pytest.mark.parametrize(
    ("hosts", "expected"),
    [("localhost,127.0.0.1", False), ("localhost,portal.example.org", True)],
)
def test_plain_http_is_only_for_this_machine(hosts, expected, monkeypatch):
    monkeypatch.delitem(GOOD, "HTTPS_ONLY")
    names = ("SECURE_SSL_REDIRECT", "SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE")
    assert loaded(*names, ALLOWED_HOSTS=hosts) == [expected] * 3


def test_cookies_are_this_hosts_alone_where_others_reach_the_portal(monkeypatch):
    monkeypatch.delitem(GOOD, "HTTPS_ONLY")
    names = ("SESSION_COOKIE_NAME", "CSRF_COOKIE_NAME", "SESSION_COOKIE_HTTPONLY")
    names += ("SESSION_COOKIE_SAMESITE", "CSRF_COOKIE_SAMESITE", "SESSION_COOKIE_DOMAIN")
    show = "import django; django.setup(); from django.conf import settings; "
    show += f"print([getattr(settings, name) for name in {names}])"
    shown = start("-c", show, DJANGO_SETTINGS_MODULE="config.settings", ALLOWED_HOSTS="a.example")
    assert shown.stdout.strip() == str(
        ["__Host-sessionid", "__Host-csrftoken", True, "Lax", "Lax", None]
    )


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("127.0.0.2", True),
        ("[::1]", True),
        ("app.localhost", True),
        ("127.evil.example", False),
        ("portal.example.org", False),
        ("10.0.0.1", False),
    ],
)
def test_only_names_of_this_machine_are_loopback(host, expected):
    assert only_loopback([host]) is expected

"""Settings, from the environment alone; `.env.example` explains each.

`config.checks` refuses to start with unsafe values unless DEBUG is on.
"""

import logging
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import environ
from csp.constants import NONE, SELF

from config import checks
from core import logging as logs

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = BASE_DIR / "var"

env = environ.Env()
env.read_env(BASE_DIR / ".env")

DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = checks.read_secret(env.ENVIRON, "SECRET_KEY") or (
    "insecure-debug-key" if DEBUG else ""
)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

INSTALLED_APPS = [
    "workplace.admin_app.WorkplaceAdminConfig",  # django.contrib.admin, with our site
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "simple_history",
    "django_structlog",
    "csp",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "core",
    "access",
    "mapping",
    "integrations",
    "directory",
    "referrals",
    "alerts",
    "workplace",
    "sandbox",  # for its command alone
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "core.web.middleware.programs_go_straight",
    "csp.middleware.CSPMiddleware",
    "core.web.middleware.permissions_policy",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "access.language.PersonsLanguageMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "core.web.middleware.RequestLogMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "access.signing_in.expiring.provider_asked_again",
    "access.signing_in.expiring.ended_when_over",
    "access.signing_in.required.second_factor_required",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
APPEND_SLASH = False
CREDENTIAL_PATHS = ["/directory/verify/"]  # what follows is a credential: no log has it

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# -- Database --------------------------------------------------------------------------------

DATABASES = {"default": env.db("DATABASE_URL", default=f"sqlite:///{VAR_DIR / 'dovetail.sqlite3'}")}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    Path(DATABASES["default"]["NAME"]).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # A 2xx promises that the event is on disk: FULL, not NORMAL.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 30,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
    }
else:
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
    # A server that is gone without a word is noticed: see also `core.database.silence`.
    DATABASES["default"]["OPTIONS"] = {
        "connect_timeout": env.int("DATABASE_CONNECT_SECONDS", default=2),
        "keepalives_idle": 15,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 20_000,  # milliseconds
        **DATABASES["default"].get("OPTIONS", {}),
    }
DATABASES["default"]["CONN_MAX_AGE"] = 600  # to connect costs more than a request
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# -- Files and static files ------------------------------------------------------------------

MEDIA_ROOT = env.str("MEDIA_ROOT", default=str(VAR_DIR / "media"))
EXPORT_ROOT = env.str("EXPORT_ROOT", default=str(VAR_DIR / "exports"))  # for partners, by hand
STATE_ROOT = env.str("STATE_ROOT", default=str(VAR_DIR / "state"))  # of this host; never backed up
# For whom backups are encrypted (a public key of age), and what they must not bring back.
BACKUP_PUBLIC_KEY = env.str("BACKUP_PUBLIC_KEY", default="")
DELETIONS_JOURNAL = env.str("DELETIONS_JOURNAL", default=str(VAR_DIR / "deletions.journal"))
# The audit trail: where the heads of its seals are kept, and for how many days (0: for good).
AUDIT_HEADS = env.str("AUDIT_HEADS", default=str(VAR_DIR / "audit.heads"))
AUDIT_DAYS = env.int("AUDIT_DAYS", default=0)
STATIC_URL = "static/"
STATIC_ROOT = env.str("STATIC_ROOT", default=str(VAR_DIR / "static"))  # what collectstatic writes
STORAGES = {
    "default": {"BACKEND": "core.storage.EncryptedFileStorage"},
    "staticfiles": {"BACKEND": "core.web.static.StaticStorage"},
}
WHITENOISE_USE_FINDERS = True  # plain names are served from where they lie, collected or not
WHITENOISE_KEEP_ONLY_HASHED_FILES = True  # so that the others need not be collected

# -- Encryption at rest ----------------------------------------------------------------------

# URL-safe base64 of 32 bytes each; the first one encrypts, all of them decrypt.
ENCRYPTION_KEYS = [
    key.strip() for key in checks.read_secret(env.ENVIRON, "ENCRYPTION_KEYS").split(",") if key
]
if DEBUG and not ENCRYPTION_KEYS:  # never from SECRET_KEY, which signs what browsers hold
    ENCRYPTION_KEYS = [checks.key_in(VAR_DIR / "debug-encryption-key")]
# Values and files of before rows had keys are not read any more: `manage.py rotate_keys` first.
REFUSE_UNBOUND = env.bool("REFUSE_UNBOUND", default=False)

# -- Importing -------------------------------------------------------------------------------

RETRY_SCHEDULE = [
    timedelta(seconds=seconds)
    for seconds in env.list(
        "RETRY_SCHEDULE",
        cast=float,
        default=[60, 300, 900, 3600, 4 * 3600, 12 * 3600, 24 * 3600, 24 * 3600],
    )
]
SETTLE_TIME = timedelta(seconds=env.float("SETTLE_SECONDS", default=20))
LEASE_TIME = timedelta(seconds=env.float("LEASE_SECONDS", default=100))
STOP_SECONDS = env.float("STOP_SECONDS", default=80)  # within them a program ends that is told to
ALLOW_LOOPBACK = env.bool("ALLOW_LOOPBACK", default=DEBUG)
ALLOWED_PRIVATE_NETWORKS = env.list("ALLOWED_PRIVATE_NETWORKS", default=[])  # CIDR, on premises
TRUSTED_PROXIES = env.int("TRUSTED_PROXIES", default=0)  # how many of ours add X-Forwarded-For
CA_BUNDLE = env.str("CA_BUNDLE", default="")  # authorities to trust beside the public ones
MAX_ATTACHMENT_BYTES = env.int("MAX_ATTACHMENT_BYTES", default=30 * 1024 * 1024)
FETCH_SECONDS = env.float("FETCH_SECONDS", default=60)
DISPATCH_SECONDS = env.float("DISPATCH_SECONDS", default=0.5)
DISPATCHER_THREADS = env.int("DISPATCHER_THREADS", default=4)
BROKER_RETRY_TIME = timedelta(seconds=10)
BULK_RETRY_PAUSE = timedelta(seconds=env.float("BULK_RETRY_PAUSE_SECONDS", default=1))
BESIDE_SECONDS = env.float("BESIDE_SECONDS", default=10)  # between looks for what to tell people
RATE_LIMIT_PER_MINUTE = env.int("RATE_LIMIT_PER_MINUTE", default=6000)  # of one source; 0: none
MAX_BODY_BYTES = env.int("MAX_BODY_BYTES", default=30 * 1024 * 1024)
DATA_UPLOAD_MAX_MEMORY_SIZE = None  # the intake views limit the body themselves
SUMMARY_RENDERERS = env.int("SUMMARY_RENDERERS", default=2)  # child processes, per process

# -- Celery: wake-ups only, the row is the queue ------------------------------------------------

CELERY_BROKER_URL = env.str("CELERY_BROKER_URL", default="")
# A broker that hangs is a broker that is down; a worker's own wait for messages is a second long.
CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_connect_timeout": 2, "socket_timeout": 4}
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "dovetail"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_POOL = "threads"
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1

# -- API -------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.AllowAny"],
    "UNAUTHENTICATED_USER": None,
    "ALLOWED_VERSIONS": ["1.0.0"],  # the document takes no other into its name
    "EXCEPTION_HANDLER": "referrals.api.problems.answer_exception",
}

SPECTACULAR_SETTINGS = {
    "TITLE": "Dovetail",
    "DESCRIPTION": (
        "Caredove sends referral events here and asks what became of them. The answer to an event "
        "means that it is stored, no more. Partners read what they were sent, and answer it."
    ),
    "VERSION": "1.0.0",
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "ENUM_NAME_OVERRIDES": {"JobStateEnum": "referrals.models.Delivery.State"},
    "APPEND_COMPONENTS": {
        "securitySchemes": {
            "basic": {"type": "http", "scheme": "basic"},
            "bearer": {
                "type": "http",
                "scheme": "bearer",
                "description": "For partners: key id and secret with a colon between them.",
            },
            "token": {
                "type": "http",
                "scheme": "bearer",
                "description": "For scripts that read for one organization: an API token.",
            },
            "signature": {
                "type": "apiKey",
                "in": "header",
                "name": "webhook-signature",
                "description": "Standard Webhooks, with webhook-id and webhook-timestamp.",
            },
        }
    },
    "PREPROCESSING_HOOKS": ["referrals.api.schema.keep_dollar_signs"],
}

# -- Time and language -------------------------------------------------------------------------

LANGUAGE_CODE = "en-ca"  # of programs, commands, and whoever asks for none of the others
LANGUAGES = [("en-ca", "English"), ("fr-ca", "Français")]
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = "config.formats"
TIME_ZONE = "America/Toronto"  # of the admin; each organization has its own
USE_I18N = True
USE_TZ = True

# -- Logs and figures --------------------------------------------------------------------------

LOGGING = logs.config(debug=DEBUG)
logs.configure(debug=DEBUG)
DJANGO_STRUCTLOG_STATUS_START_LOG_LEVEL = logging.DEBUG  # one line for each request, at its end
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")  # none: /metrics is for this machine alone

# -- Security --------------------------------------------------------------------------------

# Plain http is for a trial on this machine alone. Behind a proxy that ends TLS, gunicorn takes
# the scheme from X-Forwarded-Proto of the addresses in FORWARDED_ALLOW_IPS.
HTTPS_ONLY = env.bool("HTTPS_ONLY", default=not DEBUG and not checks.only_loopback(ALLOWED_HOSTS))
SECURE_SSL_REDIRECT = HTTPS_ONLY
# Asked from inside, by plain http.
SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz|health/(live|ready|delivery))$"]
SECURE_HSTS_SECONDS = env.int("HSTS_SECONDS", default=365 * 24 * 3600) if HTTPS_ONLY else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS_ONLY
SESSION_COOKIE_SECURE = HTTPS_ONLY
CSRF_COOKIE_SECURE = HTTPS_ONLY
if HTTPS_ONLY:  # browsers take cookies of these names from this host alone, and over TLS alone
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-sessionid", "__Host-csrftoken"
# Everything that a page needs comes from here, and from files of their own: no inline script, no
# inline style. Frames are for PDFs beside what they belong to.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],  # the drawings in Swagger's stylesheet, a second factor's code
        "font-src": [SELF],
        "connect-src": [SELF],
        "frame-src": [SELF],
        "object-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [SELF],
        "base-uri": [NONE],
    }
}
X_FRAME_OPTIONS = "SAMEORIGIN"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SESSION_COOKIE_AGE = env.int("SESSION_SECONDS", default=12 * 3600)  # one working day
SESSION_IDLE_SECONDS = env.int("SESSION_IDLE_SECONDS", default=3600)
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}", "OPTIONS": options}
    for name, options in [
        ("UserAttributeSimilarityValidator", {}),
        ("MinimumLengthValidator", {"min_length": 12}),
        ("CommonPasswordValidator", {}),
        ("NumericPasswordValidator", {}),
    ]
] + [{"NAME": "access.signing_in.own_words.OwnWordsValidator"}]
# Signing in: `access.signing_in`.
REQUIRE_SECOND_FACTOR = env.bool(
    "REQUIRE_SECOND_FACTOR", default=not DEBUG and not checks.only_loopback(ALLOWED_HOSTS)
)
AUTHENTICATION_BACKENDS = ["access.permissions.OneQueryBackend"]
LOGIN_URL = LOGOUT_REDIRECT_URL = "account_login"
LOGIN_REDIRECT_URL = "admin:index"
ACCOUNT_ADAPTER = "access.signing_in.adapters.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""  # by itself it is the host that the request names
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False  # a reset is sent to people of ours, or to nobody
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False
ACCOUNT_SESSION_REMEMBER = True  # for SESSION_COOKIE_AGE, without a question
ACCOUNT_REAUTHENTICATION_TIMEOUT = 15 * 60  # seconds
MFA_ADAPTER = "access.signing_in.adapters.SecondFactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_TOTP_ISSUER = "Dovetail"
MFA_ALLOW_UNVERIFIED_EMAIL = True
# Signing in at a provider of OpenID Connect, beside the password: docs/signing-in.md.
OIDC_ISSUER = env.str("OIDC_ISSUER", default="")  # none: with passwords alone
OIDC_NAME = env.str("OIDC_NAME", default="single sign-on")  # what the link calls it
OIDC_CLIENT_ID = env.str("OIDC_CLIENT_ID", default="")
OIDC_CLIENT_SECRET = env.str("OIDC_CLIENT_SECRET", default="")
OIDC_SCOPES = env.list("OIDC_SCOPES", default=["openid", "profile"])
OIDC_GROUPS_CLAIM = env.str("OIDC_GROUPS_CLAIM", default="groups")
# By group, as JSON: the names of groups may hold commas and equals signs.
OIDC_ROLES = checks.read_json(env.str("OIDC_ROLES", default="{}"))
OIDC_ORGANIZATIONS = checks.read_json(env.str("OIDC_ORGANIZATIONS", default="{}"))  # Caredove ids
OIDC_SECONDS = env.int("OIDC_SECONDS", default=3600)  # then such a session asks the provider again
SOCIALACCOUNT_ADAPTER = "access.signing_in.provider.ProviderAdapter"
SOCIALACCOUNT_EMAIL_VERIFICATION = "none"
# Counts who guesses passwords, over all web processes, and which codes were used.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "cache",
        "OPTIONS": {"MAX_ENTRIES": 10_000},
    }
}
SILENCED_SYSTEM_CHECKS = [
    "security.W019",  # a PDF stands in a frame beside the referral that it is of
    "security.W021",  # HSTS preloading is for the owner of the domain
]

# -- What people are told, beside the admin -----------------------------------------------------

EMAIL_URL = env.str("EMAIL_URL", default="consolemail://" if DEBUG else "")
EMAIL_READY = bool(EMAIL_URL)
globals().update(env.email_url_config(EMAIL_URL or "dummymail://"))
EMAIL_TIMEOUT = 10  # seconds
PORTAL_URL = env.str(
    "PORTAL_URL",
    default="http://127.0.0.1:8000"
    if DEBUG or not HTTPS_ONLY
    else f"https://{next(iter(ALLOWED_HOSTS), '')}",
)
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.str(
    "DEFAULT_FROM_EMAIL", default=f"Dovetail <dovetail@{urlsplit(PORTAL_URL).hostname}>"
)

if not DEBUG:
    checks.refuse_unsafe(globals())

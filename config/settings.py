"""All settings, in one file, read from the environment. What is missing fails loudly here, at start.

`ENVIRONMENT` is `production` unless it says `local`. Only `local` may move the clock, run without
HTTPS, or use the throw-away secrets that `config.local` generates.
"""

import datetime
import os
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from celery.schedules import crontab
from csp.constants import NONCE, NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from accounts.passwords import validators as password_validators
from config.clock import Clock

BASE_DIR = Path(__file__).resolve().parent.parent


def env(name: str, default: str | None = None) -> str:
    """The environment variable `name`, or `default`; with neither, a loud failure."""
    value = os.environ.get(name, default)
    if value is None:
        raise ImproperlyConfigured(f"Set the environment variable {name}. README.md lists them all.")
    return value


# A server whose machine or wire has died is noticed within half a minute (over TCP), not after hours.
_GONE_SILENT = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}


def database(url: str, **options: str) -> dict:
    """`postgresql://user:password@host:port/name?host=/socket/folder` as Django wants it."""
    parts = urlsplit(url)
    if parts.scheme not in ("postgres", "postgresql"):
        raise ImproperlyConfigured("PostgreSQL is the only database: a URL must start with postgresql://")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.path.lstrip("/"),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parse_qs(parts.query).get("host", [parts.hostname or ""])[0],
        "PORT": str(parts.port or ""),
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {"options": " ".join(f"-c {key}={value}" for key, value in options.items()), **_GONE_SILENT},
    }


ENVIRONMENT = env("ENVIRONMENT", "production")
LOCAL = ENVIRONMENT == "local"
DEBUG = False
SECRET_KEY = env("SECRET_KEY")
# Keys that encrypt bank accounts, phones and second factors: base64 of 32 bytes each, comma separated,
# the newest first. Older keys still decrypt.
FIELD_KEYS = env("FIELD_KEYS").split(",")
ALLOWED_HOSTS = env("ALLOWED_HOSTS").split(",")
CSRF_TRUSTED_ORIGINS = [origin for origin in env("TRUSTED_ORIGINS", "").split(",") if origin]

CLOCK = Clock(Path(env("CLOCK_FILE")) if LOCAL else None)

# The runtime role does not own the tables; migrations, and the tests' clean-up, run as the owner.
# A wait on a lock ends in a clear error after 3 s rather than in a pile-up.
DATABASES = {
    "default": database(
        env("DATABASE_URL"),
        lock_timeout="3s",
        statement_timeout="30s",
        idle_in_transaction_session_timeout="60s",
        # What is prepared is planned once a session: planning a step's large queries costs more than their work.
        plan_cache_mode="force_generic_plan",
        # Pages lie in memory or on a solid disk: a row by its key costs little more than the next one.
        random_page_cost="1.1",
    )
}
RUNTIME_ROLE = DATABASES["default"]["USER"]
if "OWNER_DATABASE_URL" in os.environ:
    DATABASES["owner"] = database(env("OWNER_DATABASE_URL"))
    # The tests' database is made, migrated and flushed by the owner and used by the runtime role.
    DATABASES["default"]["TEST"] = {"MIRROR": "owner"}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "config.apps.PortalAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "simple_history",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "csp",
    "django_htmx",
    "rest_framework",
    "knox",
    "drf_spectacular",
    "audit",
    "accounts",
    "applicants",
    "providers",
    "vouchers",
    "config.apps.PortalConfig",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "config.sieve.Sieve",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "accounts.middleware.SessionLimits",
    "accounts.middleware.SecondFactorRequired",
    "config.walls.RoleWall",
    "django_htmx.middleware.HtmxMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
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
                "csp.context_processors.nonce",
                "config.context.portal",
            ]
        },
    }
]

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "start"
# `dengbao` (GB/T 22239-2019) or `asvs` (OWASP ASVS 5.0): see accounts/passwords.py.
PASSWORD_PROFILE = env("PASSWORD_PROFILE", "dengbao")
if PASSWORD_PROFILE not in ("dengbao", "asvs"):
    raise ImproperlyConfigured("PASSWORD_PROFILE is either dengbao or asvs.")
AUTH_PASSWORD_VALIDATORS = password_validators(PASSWORD_PROFILE)
# scrypt is memory-hard and in the standard library; PBKDF2 stays readable.
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.ScryptPasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
ACCOUNT_ADAPTER = "accounts.adapters.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email*", "password1*", "password2*"]
# Signing in asks for no confirmed address; acting for an organisation does (accounts.registration).
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_EMAIL_SUBJECT_PREFIX = "【无锡市算力券】"
ACCOUNT_EMAIL_CONFIRMATION_ANONYMOUS_REDIRECT_URL = LOGIN_URL
ACCOUNT_SESSION_REMEMBER = False
# Nobody is written to because a stranger typed their address.
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_LOGOUT_REDIRECT_URL = LOGIN_URL
# Per address, against guessing across accounts. One account's own limit is accounts/throttle.py.
ACCOUNT_RATE_LIMITS = {"login": "60/m/ip", "login_failed": "30/m/ip", "objection": "10/h/ip"}
ACCOUNT_FORMS = {
    "login": "accounts.forms.SignInForm",
    "reauthenticate": "accounts.forms.PasswordAgainForm",
    "change_password": "accounts.forms.NewPasswordForm",
    "reset_password": "accounts.forms.LostPasswordForm",
    "reset_password_from_key": "accounts.forms.AnotherPasswordForm",
}
# How many proxies of ours stand in front: that many addresses of X-Forwarded-For are believed.
ALLAUTH_TRUSTED_PROXY_COUNT = int(env("TRUSTED_PROXY_COUNT", "0"))
MFA_ADAPTER = "accounts.adapters.SecondFactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = "无锡市算力券"
# Phones run a little fast or slow. Codes work once whatever the tolerance: accounts/second_factor.py.
MFA_TOTP_TOLERANCE = 1
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_FORMS = {
    "authenticate": "accounts.forms.CodeForm",
    "reauthenticate": "accounts.forms.CodeAgainForm",
    "activate_totp": "accounts.forms.SetUpCodeForm",
}

# On one's own machine mail is written down instead of sent: into the folder MAIL_FOLDER, or to the console.
if LOCAL:
    EMAIL_FILE_PATH = env("MAIL_FOLDER", "") or None
    EMAIL_BACKEND = f"django.core.mail.backends.{'filebased' if EMAIL_FILE_PATH else 'console'}.EmailBackend"
else:
    EMAIL_HOST = env("EMAIL_HOST", "localhost")
    EMAIL_PORT = int(env("EMAIL_PORT", "25"))
    EMAIL_HOST_USER = env("EMAIL_USER", "")
    EMAIL_HOST_PASSWORD = env("EMAIL_PASSWORD", "")
    EMAIL_USE_TLS = env("EMAIL_USE_TLS", "no") == "yes"
    EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env("EMAIL_FROM", "suanliquan@localhost")

# Only the sign-in's rate limits live in the cache. In the database they hold for every web process and
# need no other service, so the loss of the broker neither stops nor weakens the sign-in.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "accounts_cache",
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    }
}

REST_FRAMEWORK = {
    # The token first: it makes the answer to an unknown caller 401.
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "knox.auth.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["vouchers.api.walls.ActsForEnterprise"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["vouchers.api.parsers.ObjectParser", "rest_framework.parsers.MultiPartParser"],
    "DEFAULT_THROTTLE_CLASSES": ["rest_framework.throttling.UserRateThrottle"],
    "DEFAULT_THROTTLE_RATES": {"user": "240/min"},
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "vouchers.api.refusals.answer",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "无锡市算力券接口",
    "DESCRIPTION": "申报单位用程序办理本单位的算力券和兑付申请。金额以元为单位，写作两位小数的文本。",
    "VERSION": "1",
    "SERVE_PERMISSIONS": ["vouchers.api.walls.ActsForEnterprise"],
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "ClaimState": "vouchers.api.serializers.CLAIM_STATES",
        "VoucherState": "vouchers.api.serializers.VOUCHER_STATES",
    },
}
REST_KNOX = {"TOKEN_TTL": datetime.timedelta(days=90), "TOKEN_LIMIT_PER_USER": 5, "AUTO_REFRESH": False}

LANGUAGE_CODE = "zh-hans"
TIME_ZONE = "Asia/Shanghai"
USE_I18N = True
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = Path(env("STATIC_ROOT", str(BASE_DIR / "static-built")))
STATICFILES_DIRS = [BASE_DIR / "static"]
# On one's own machine static files are served from where they lie; production collects them.
WHITENOISE_USE_FINDERS = LOCAL
# Production serves files whose names bear their hash, so that a browser may keep them for ever.
_STATIC_FILES = "django.contrib.staticfiles.storage.StaticFilesStorage"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": _STATIC_FILES if LOCAL else "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
# Uploads and printed documents: outside the web root, served only through authorised views.
MEDIA_ROOT = Path(env("MEDIA_ROOT"))
# Large uploads on their way in lie beside them: on disk, not in memory, and where the sweep for leavings looks.
FILE_UPLOAD_TEMP_DIR = MEDIA_ROOT / "incoming"
# ClamAV's scanner, "/path/of/clamd.sock" or "host:port"; empty: files are not scanned.
CLAMD = env("CLAMD", "")
# Whether scans are read by OCR, in the background: "yes", "no", or by whether the extra is installed here.
OCR = env("OCR", "yes" if find_spec("rapidocr") and find_spec("onnxruntime") else "no") == "yes"
# A claim of thirty payments and forty invoices has a cell for each pair.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 10_000
# Where the reverse proxy finds MEDIA_ROOT for itself after a view has let somebody download ("" = we send the bytes).
PROTECTED_FILES_URL = env("PROTECTED_FILES_URL", "")

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}

# The idle limit. The limit from the sign-in on, 12 hours, is kept by accounts.middleware.SessionLimits.
SESSION_COOKIE_AGE = 30 * 60
SESSION_COOKIE_HTTPONLY = True
CSRF_COOKIE_HTTPONLY = True
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
if not LOCAL:
    SECURE_SSL_REDIRECT = True
    SECURE_REDIRECT_EXEMPT = ["^health/$"]
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = 31_536_000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_SECURE = True
    SESSION_COOKIE_NAME = "__Host-sessionid"
    CSRF_COOKIE_SECURE = True
    CSRF_COOKIE_NAME = "__Host-csrftoken"

# The broker holds nothing that a sweep of the database could not rebuild. A task that loses its
# worker is delivered again; every task tolerates that.
CELERY_BROKER_URL = env("BROKER_URL")
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_IGNORE_RESULT = True
# Reading a picture takes seconds and a gigabyte: a worker of its own does it, one at a time.
CELERY_TASK_ROUTES = {"vouchers.tasks.scan_next": {"queue": "ocr"}}
CELERY_TASK_SOFT_TIME_LIMIT = 540
CELERY_TASK_TIME_LIMIT = 600
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 1200, "socket_timeout": 2, "socket_connect_timeout": 2}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TIMEZONE = TIME_ZONE
# A worker that is silent for so long is taken for dead, and another goes on with its job.
JOB_LEASE_SECONDS = int(env("JOB_LEASE_SECONDS", "60"))
CELERY_BEAT_SCHEDULE = {
    "sweep": {"task": "vouchers.tasks.sweep", "schedule": 15, "options": {"expires": 15}},
    "quarantine": {"task": "vouchers.tasks.quarantine", "schedule": 60, "options": {"expires": 60}},
    "hourly": {"task": "vouchers.tasks.hourly", "schedule": 3600, "options": {"expires": 3600}},
    "nightly": {"task": "vouchers.tasks.nightly", "schedule": crontab(hour=2, minute=30)},
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env("LOG_LEVEL", "INFO")},
    # Printing tells every step of its own.
    "loggers": {"weasyprint": {"level": "WARNING"}, "fontTools": {"level": "WARNING"}},
}

"""Dockerfile, docker-compose.yml and the proxy fit the settings. What a container engine would find is not tried here."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from django.conf import settings

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]
OURS = ["web", "worker", "ocr", "beat", "migrate"]
PROXY = (ROOT / "deploy/proxy/nginx.conf").read_text()


def settings_read(required_only):
    """The names of the environment variables that settings.py reads; with `required_only`, those without a default."""
    source = (ROOT / "config/settings.py").read_text()
    found = re.findall(r'env\("([A-Z_]+)"(,)?', source)
    return {name for name, default in found if not (required_only and default)}


@pytest.mark.parametrize("service", OURS)
def test_every_program_gets_what_settings_need_and_nothing_they_do_not_read(service):
    given = set(SERVICES[service]["environment"]) | {"MEDIA_ROOT", "STATIC_ROOT"}
    local_only = {"CLOCK_FILE", "OWNER_DATABASE_URL", "MAIL_FOLDER"}
    assert settings_read(required_only=True) - local_only <= given
    assert given <= settings_read(required_only=False) | {"OWNER_DATABASE_URL"}


def test_only_the_migration_knows_the_owner():
    knowing = [name for name, service in SERVICES.items() if "OWNER_DATABASE_URL" in service.get("environment", {})]
    assert knowing == ["migrate"]
    assert all("OWNER_PASSWORD" not in str(SERVICES[name]) for name in ("web", "worker", "beat", "proxy", "broker"))


def test_no_secret_stands_in_the_file():
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            if re.search("PASSWORD$|SECRET|KEYS|_URL$", name):
                assert re.search(r"\$\{[A-Z_]+:[?-]", value) or name in ("BROKER_URL", "PROTECTED_FILES_URL"), name


def test_every_secret_that_is_asked_for_is_in_the_example():
    asked = set(re.findall(r"\$\{([A-Z_]+):", (ROOT / "docker-compose.yml").read_text()))
    example = set(re.findall(r"^([A-Z_]+)=", (ROOT / "deploy/env.example").read_text(), re.MULTILINE))
    assert asked == example


def test_every_lasting_service_is_watched_and_has_few_rights():
    for name, service in SERVICES.items():
        if name != "migrate":
            assert service["healthcheck"]["test"], name
            assert service["restart"] == "unless-stopped", name
        if name != "database":
            assert service["cap_drop"] == ["ALL"], name
            assert service["read_only"] is True, name
            assert "no-new-privileges:true" in service["security_opt"], name


def test_only_the_proxy_is_reachable_and_every_image_is_of_a_version():
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["proxy"]
    for name, service in SERVICES.items():
        if name not in OURS:
            assert re.search(r":\d", service["image"]), name


def test_the_image_holds_every_package_of_the_portal_and_runs_as_nobody_special():
    text = (ROOT / "Dockerfile").read_text()
    copied = set(re.findall(r"^COPY (\w+) \w+$", text, re.MULTILINE))
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests", "benchmarks"}
    assert packages | {"templates", "static"} <= copied
    assert "--require-hashes" in text
    assert re.search(r"^USER vouchers$", text, re.MULTILINE)
    allowed = set((ROOT / ".dockerignore").read_text().split())
    assert {f"!{name}" for name in copied} <= allowed


def test_the_proxy_hands_out_files_only_when_the_portal_says_so():
    place = SERVICES["web"]["environment"]["PROTECTED_FILES_URL"]
    block = re.search(rf"location {place} {{(.*?)}}", PROXY, re.DOTALL)[1]
    assert "internal;" in block
    assert "alias /srv/media/;" in block
    assert "X-Forwarded-For $remote_addr" in PROXY
    assert int(SERVICES["web"]["environment"]["TRUSTED_PROXY_COUNT"]) == 1


def test_a_download_names_the_file_to_the_proxy_instead_of_sending_it(settings):
    from vouchers.documents.download import attachment
    from vouchers.documents.storage import keep

    settings.PROTECTED_FILES_URL = "/protected/"
    stored = keep(b"content", "uploads", "")
    answer = attachment(stored.name, stored.sha256, "合同.pdf")
    assert answer["X-Accel-Redirect"] == f"/protected/{stored.name}"
    assert (answer.content, answer["X-Content-Type-Options"]) == (b"", "nosniff")
    assert answer["Content-Disposition"].startswith("attachment; filename*=utf-8''")
    settings.PROTECTED_FILES_URL = ""
    assert attachment(stored.name, stored.sha256, "a.pdf").content == b"content"


def test_static_files_are_collected_as_production_would(tmp_path):
    code = "import django; django.setup(); from django.core.management import call_command; call_command('collectstatic', interactive=False, verbosity=0)"
    environment = {
        **os.environ,
        "ENVIRONMENT": "production",
        "STATIC_ROOT": str(tmp_path),
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }
    environment.pop("OWNER_DATABASE_URL", None)
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, check=True, timeout=300)
    assert list(tmp_path.glob("app.*.css"))
    assert list(tmp_path.glob("app.*.js"))
    assert settings.BASE_DIR == ROOT

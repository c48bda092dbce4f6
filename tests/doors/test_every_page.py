"""What holds for every page: a strict policy, no inline code. Who may open it: test_walls.py."""

import re

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db


def pages(client, paths):
    for path in paths:
        answer = client.get(path)
        assert answer.status_code in (200, 403, 404), path
        yield path, answer


def assert_strict(path, answer):
    policy = answer.headers["Content-Security-Policy"]
    assert "unsafe" not in policy, path
    for rule in ("default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"):
        assert rule in policy, path
    page = answer.content.decode()
    assert not re.search(r"<style|\sstyle\s*=|\son\w+\s*=|javascript:", page), path
    assert not re.search(r"<script(?![^>]*(\ssrc=|application/json))", page), path
    assert not re.search(r'(src|href)="(https?:)?//', page), path
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_pages_before_and_after_signing_in_are_strict(client, officer_client, officer, sign_in):
    for path, answer in pages(client, ["/accounts/login/", "/accounts/inactive/"]):
        assert_strict(path, answer)
    mine = [
        "/accounts/2fa/",
        "/accounts/2fa/totp/deactivate/",
        "/accounts/2fa/recovery-codes/generate/",
        "/accounts/password/change/",
        "/accounts/reauthenticate/",
        "/accounts/2fa/reauthenticate/",
        "/accounts/logout/",
        "/nowhere/",
        "/admin/",
        "/admin/applicants/organisation/",
        "/admin/audit/auditentry/",
        f"/admin/accounts/user/{officer.pk}/change/",
        f"/admin/accounts/user/{officer.pk}/history/",
    ]
    for path, answer in pages(officer_client, mine):
        assert_strict(path, answer)
    other = Client()
    sign_in(other)
    assert_strict("code", other.get("/accounts/2fa/authenticate/"))


def test_the_set_up_page_shows_its_picture_within_the_policy(client, officer, sign_in):
    sign_in(client)
    answer = client.get("/accounts/2fa/totp/activate/")
    assert_strict("set-up", answer)
    assert "img-src 'self' data:" in answer.headers["Content-Security-Policy"]
    assert 'src="data:image/svg+xml;base64,' in answer.content.decode()


def test_a_form_without_its_token_is_refused_in_chinese(officer):
    client = Client(enforce_csrf_checks=True)
    answer = client.post("/accounts/login/", {"login": "zhangmin", "password": "x"})
    assert answer.status_code == 403
    assert "页面已过期" in answer.content.decode()
    assert_strict("csrf", answer)


def test_nothing_a_person_reads_at_the_door_is_english(client, officer_client):
    for path, answer in [*pages(client, ["/accounts/login/"]), *pages(officer_client, ["/accounts/2fa/"])]:
        text = re.sub(r"<[^>]+>", " ", answer.content.decode())
        assert not re.findall(r"\b(?!zhangmin\b)[A-Za-z]{3,}\b", text), path

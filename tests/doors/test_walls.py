"""The permission matrix: role × address × verb, and a new address without a row fails."""

import re
import time

import pytest
from allauth.account.internal.flows.login import AUTHENTICATION_METHODS_SESSION_KEY
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.test import Client
from django.urls import ResolverMatch

from accounts.middleware import STARTED
from accounts.walls import MEMBER, OFFICERS, SIGNED_IN, for_roles, public, wall_of
from config.walls import RoleWall
from tests import factories
from tests.doors.walls import expected, patterns, rows, wall_in_words

pytestmark = pytest.mark.django_db
ROLES = [*OFFICERS, MEMBER, SIGNED_IN]
# Signing out would end the walk.
SKIPPED = {"account_logout", "admin:logout"}


def test_every_address_stands_in_the_matrix_and_no_other():
    """Run `python -m tests.doors.walls` after adding a page, and look at what it says."""
    assert rows() == expected()
    assert not [row for row in rows() if row[2] == "NOBODY"]


def address(route):
    """A path that the route matches: ids that exist nowhere."""
    path = re.sub(r"\(\?P<url>\.\*\)\$", "nowhere", route)
    path = re.sub(r"\(\?P<app_label>(\w+)[^)]*\)", r"\1", path)
    path = re.sub(r"<uuid:\w+>", "00000000-0000-0000-0000-000000000000", path)
    path = re.sub(r"<int:\w+>", "999999999", path)
    path = re.sub(r"<[^>]+>", "999999999", path)
    return "/" + path.replace("^", "").replace("$", "")


def signed_in(person):
    """A client of somebody who proved a second factor."""
    client = Client()
    client.force_login(person)
    session = client.session
    now = time.time()
    session[STARTED] = now
    session[AUTHENTICATION_METHODS_SESSION_KEY] = [
        {"method": "password", "at": now},
        {"method": "mfa", "at": now, "id": 1, "type": "totp"},
    ]
    session["account_authentication_methods_user"] = str(person.pk)
    session.save()
    return client


@pytest.fixture
def person(db):
    """Somebody of the role."""

    def make(role):
        if role == MEMBER:
            return factories.firm(1, factories.call()).clerk
        return factories.user("somebody", *([] if role == SIGNED_IN else [role]))

    return make


def lets_in(wall, role):
    return "anybody" in wall or SIGNED_IN in wall or role in wall


@pytest.mark.parametrize("role", ROLES)
def test_each_role_opens_its_own_pages_and_no_others(role, person):
    client, wrong = signed_in(person(role)), []
    for route, name, view in patterns():
        if name in SKIPPED or name.startswith("api_"):
            continue
        may = lets_in(wall_of(view, name), role)
        for verb in ("get", "post"):
            answer = getattr(client, verb)(address(route))
            shut = answer.status_code == 403 or (answer.status_code == 302 and "/login/" in answer.url)
            # An open page may still refuse what an empty or foreign request asks of it; a shut one never answers.
            if (may and verb == "get" and shut and "admin/" not in route) or (not may and not shut):
                wrong.append((verb, route, answer.status_code))
    assert wrong == []


def test_a_stranger_is_sent_to_the_sign_in_or_told_401():
    client, wrong = Client(), []
    for route, name, view in patterns():
        is_open = "anybody" in wall_of(view, name) and not name.startswith("api_")
        if is_open or name in SKIPPED:
            continue
        for verb in ("get", "post"):
            answer = getattr(client, verb)(address(route))
            shut = (
                answer.status_code in (401, 403) if name.startswith("api_") else "/login/" in getattr(answer, "url", "")
            )
            if name != "account_reauthenticate" and not shut:
                wrong.append((verb, route, answer.status_code))
    assert wrong == []


@pytest.mark.parametrize("role", [*OFFICERS, SIGNED_IN])
def test_the_api_is_for_members_only(role, person):
    client = signed_in(person(role))
    for route, name, _ in patterns():
        if name.startswith("api_"):
            assert client.get(address(route)).status_code == 403, route


def careless(request):
    """A view whose author forgot to say for whom it is."""
    return HttpResponse("secret")


def test_a_view_that_says_nothing_is_open_to_nobody(person, rf):
    request = rf.get("/")
    request.user, request.resolver_match = person("auditor"), ResolverMatch(careless, (), {}, "careless", route="x/")
    with pytest.raises(PermissionDenied):
        RoleWall(careless).process_view(request, careless, (), {})
    assert wall_in_words(careless, "careless") == "NOBODY"


def test_walls_name_known_roles_only():
    with pytest.raises(ValueError, match="no such roles"):
        for_roles("emperor")
    with pytest.raises(ValueError, match="no such roles"):
        for_roles()
    assert wall_of(public(careless), "") == {"anybody"}

"""One database for all tests: made, migrated and flushed by its owner, used as the runtime role.

Settings declare `default` a mirror of `owner`, so Django creates the database once, as the owner; here every
database test is allowed both, because the flush after a transactional test runs as the owner.
"""

import pytest
from django.conf import settings as django_settings
from django.db import connections
from hypothesis import settings as hypothesis_settings

from config.clock import Clock
from tests import factories

# A busy machine is no failure: speed is measured in benchmarks/.
hypothesis_settings.register_profile("suite", deadline=None)
hypothesis_settings.load_profile("suite")


def pytest_collection_modifyitems(items):
    """A plain `django_db` mark means both aliases."""
    for item in items:
        for mark in item.iter_markers("django_db"):
            mark.kwargs.setdefault("databases", ["default", "owner"])


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup):
    """The runtime role's connection closes before the owner drops the database."""
    yield
    connections["default"].close()


@pytest.fixture(autouse=True)
def _own_clock_and_files(tmp_path, settings):
    """Each test has its own clock and its own files."""
    settings.CLOCK = Clock(tmp_path / "clock")
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    assert django_settings.LOCAL


@pytest.fixture
def office():
    """One officer for each duty."""
    return factories.office()


@pytest.fixture
def call():
    """A published call with its pool funded."""
    return factories.call()


@pytest.fixture
def product():
    """Something to buy, computed in the city."""
    return factories.product()


@pytest.fixture
def firm(call, office):
    """An enterprise with an issued voucher under the call."""
    return factories.firm(1, call, reviewer=office.reviewer)

"""Fixtures: a private PostgreSQL with the portal's tables, for tests that kill, dump, tamper or take walls away."""

import pytest
from django.conf import settings
from django.test.utils import setup_databases

from tests.faults.private_postgres import ALIASES, TEMPLATE, PrivatePostgres, django_uses


@pytest.fixture(scope="session")
def town_server(django_db_setup, django_db_blocker, tmp_path_factory):
    """One private server for all tests of a session, with a template that has what the tests' database has."""
    real = settings.DATABASES["owner"]
    if not real["NAME"].startswith("test_"):
        # pytest-django made none, because no test of this run asked for it by its mark.
        with django_db_blocker.unblock():
            setup_databases(verbosity=0, interactive=False, keepdb=True, aliases=set(ALIASES))
    server = PrivatePostgres()
    try:
        server.start()
        server.make_roles()
        dump = tmp_path_factory.mktemp("dump") / "template"
        server.dump(real["NAME"], dump, of=real)
        server.restore(dump, TEMPLATE)
        yield server
    finally:
        server.remove()


@pytest.fixture
def town(town_server, django_db_blocker):
    """The private server, running, and Django on a fresh database of it (`town.database`) until the test is over."""
    if town_server.process.poll() is not None:
        town_server.start()
    town_server.database = town_server.clone()
    with django_db_blocker.unblock(), django_uses(town_server.folder, town_server.database):
        yield town_server
    if town_server.process.poll() is None:
        town_server.sql(f"DROP DATABASE {town_server.database} WITH (FORCE)")

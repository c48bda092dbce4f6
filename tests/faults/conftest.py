"""A broker and a PostgreSQL of a test's own."""

import pytest
from django.conf import settings
from django.test.utils import setup_databases
from kombu import pools

from config.celery import app
from tests.faults.celery_worker import Broker
from tests.faults.private_postgres import ALIASES, TEMPLATE, PrivatePostgres, django_uses

pytest.register_assert_rewrite("tests.faults.holding")


@pytest.fixture
def broker(tmp_path_factory):
    """A real Valkey, which Celery in this process uses too until the test is over."""
    made = Broker(tmp_path_factory.mktemp("b"))
    made.start()
    before = app.conf.broker_url
    _use(made.url)
    yield made
    made.kill()
    _use(before)


def _use(url):
    app.conf.broker_url = url
    pools.reset()
    app._pool = app.amqp._producer_pool = None


@pytest.fixture(scope="session")
def _postgres(django_db_setup, django_db_blocker, tmp_path_factory):
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
def town(_postgres, django_db_blocker):
    """The private server, running, and Django on a fresh database of it (`town.database`) until the test is over."""
    if _postgres.process.poll() is not None:
        _postgres.start()
    _postgres.database = _postgres.clone()
    with django_db_blocker.unblock(), django_uses(_postgres.folder, _postgres.database):
        yield _postgres
    if _postgres.process.poll() is None:
        _postgres.sql(f"DROP DATABASE {_postgres.database} WITH (FORCE)")

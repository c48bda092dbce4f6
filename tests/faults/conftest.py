"""A broker and a PostgreSQL of a test's own."""

import pytest
from kombu import pools

from config.celery import app
from tests.faults.celery_worker import Broker
from tests.town import town, town_server

__all__ = ["broker", "town", "town_server"]

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

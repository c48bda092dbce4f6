"""People."""

import pytest

from accounts import services

PASSWORD = "Kq7#vein-lotus"


@pytest.fixture
def make_user(db):
    """A user of the given username."""
    return lambda username="zhangmin", **kwargs: services.create_user(username, "张敏", PASSWORD, **kwargs)

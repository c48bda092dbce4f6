"""Organisations with right credit codes, and people to belong to them."""

import datetime as dt
from itertools import count

import pytest

from accounts import services as accounts
from applicants import services
from applicants.uscc import check_character

FOUNDED = dt.date(2019, 3, 4)


@pytest.fixture
def new_code():
    """A valid credit code that was not given before in this test."""
    numbers = count(1)

    def code() -> str:
        first = f"91320211MA1{next(numbers):06d}"
        return first + check_character(first)

    return code


@pytest.fixture
def make_organisation(db, new_code):
    """An organisation; keyword arguments replace what it is registered with."""

    def make(name="无锡澄影智能科技有限公司", **kwargs):
        facts = {
            "code": new_code(),
            "category": "cluster_enterprise",
            "district": "滨湖区",
            "address": "无锡市滨湖区蠡溪路1号",
            "legal_representative": "周舟",
            "contact_name": "吴越",
            "contact_phone": "13812345678",
            "registered_on": FOUNDED,
        }
        return services.register_organisation(name=name, **(facts | kwargs))

    return make


@pytest.fixture
def make_user(db):
    """A user of the given username."""
    return lambda username="qianyi", **kwargs: accounts.create_user(username, "钱毅", "Kq7#vein-lotus", **kwargs)

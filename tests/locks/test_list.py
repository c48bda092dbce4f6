"""No lock comes or goes without a line in `locks.csv`: the test that turns red without it, or why none can."""

import pytest
from django.db import connection

from tests.locks.locks import ROOT, listed, of_functions, of_modules


@pytest.mark.django_db
def test_every_lock_is_listed_with_its_test_or_a_reason():
    with connection.cursor() as cursor:
        assert sorted([*of_modules(), *of_functions(cursor)]) == sorted(listed())
    for lock, (test, reason) in listed().items():
        assert bool(test) != bool(reason), lock
        path, _, name = test.partition("::")
        assert not test or f"def {name}(" in (ROOT / path).read_text(encoding="utf-8"), lock

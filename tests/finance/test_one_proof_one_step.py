"""The second factor, proved again, lets one batch through and no other."""

import pytest
from django.core.cache import cache

from tests.finance.conftest import do

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nothing_used_yet():
    cache.clear()


def test_one_proof_signs_one_batch_and_not_another(batch_in, payable, second_desk):
    one, claims = batch_in("frozen", 1)
    assert do(second_desk, one, "sign", digest=one.digest, checked="on").url == f"/admin/batches/{one.pk}/"
    answer = do(second_desk, one, "release", digest=one.digest)
    assert answer.url.startswith("/accounts/2fa/reauthenticate/")
    one.refresh_from_db()
    assert one.state == "signed"


def test_a_step_that_was_refused_leaves_the_proof(batch_in, second_desk):
    batch, _ = batch_in("frozen", 1)
    assert do(second_desk, batch, "sign", digest="0" * 64, checked="on").status_code == 409
    assert do(second_desk, batch, "sign", digest=batch.digest, checked="on").url == f"/admin/batches/{batch.pk}/"

"""What a bank answers is text on the pages of finance: never markup, nor letters that turn the others round."""

import pytest
from django.conf import settings

from tests.finance.conftest import do

pytestmark = pytest.mark.django_db

WORDS = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    '=HYPERLINK("http://evil.example","退票")',
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "账号\u202e误有\u202c不存在",
]


@pytest.mark.parametrize("words", WORDS)
def test_the_words_of_a_bank_stay_text_on_the_pages(batch_in, desk, words):
    batch, _ = batch_in("released")
    payment = batch.payments.first()
    said = {"answer": "fail", "reference": words[:60], "answered_on": settings.CLOCK.today(), "message": words}
    answer = do(desk, batch, "answer", payment=payment.pk, seen_state="sent", **said)
    assert answer.status_code in (302, 409)
    page = desk.get(f"/admin/batches/{batch.pk}/").content.decode()
    for shown in (page, answer.content.decode()):
        assert "<script>alert" not in shown
        assert "<img src=x" not in shown
        assert "\u202e" not in shown

"""The upload page says what happens to a file that is no invoice yet, and asks again while it goes on."""

import pytest
from django.test import Client
from django.urls import reverse

from tests import factories
from tests.invoices.hostile import picture
from vouchers.claims import services as claims
from vouchers.claims.drafts import suggest
from vouchers.claims.scans import BY_MACHINE, SCAN, form_name
from vouchers.jobs import services as jobs
from vouchers.jobs.models import Job

pytestmark = pytest.mark.django_db


@pytest.fixture
def claim(firm):
    return factories.draft(firm)


@pytest.fixture
def keep(claim, firm):
    def keep_one(name="照片.png", **options):
        return claims.upload(claim, kind="invoice", name=name, content=picture("PNG"), user=firm.clerk, **options)

    return keep_one


def page(firm, claim, name="claim_invoices_waiting", *more) -> str:
    client = Client()
    client.force_login(firm.clerk)
    answer = client.get(reverse(name, args=[claim.number, *more]))
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_scan_is_followed_from_the_queue_to_the_form(firm, claim, keep):
    file = keep()
    job = jobs.request(SCAN, f"attachment:{file.pk}")
    shown = page(firm, claim)
    assert "排队等待图片识别" in shown
    assert "every 3s" in shown
    suggest(claim, form_name(file), "number=123&doubt=请核对号码。", by=BY_MACHINE)
    Job.objects.filter(pk=job.pk).update(state="done")
    shown = page(firm, claim)
    assert "核对内容" in shown
    assert "every 3s" not in shown
    form = page(firm, claim, "claim_invoice_typed", file.pk)
    assert "图片识别的内容，请核对" in form
    assert "请核对号码。" in form
    assert 'value="123"' in form


def test_a_file_in_quarantine_is_no_link_and_nobody_types_it_in(firm, claim, keep):
    file = keep(is_cleared=False)
    shown = page(firm, claim, "claim_invoices")
    assert "正在等待病毒检查" in shown
    assert reverse("claim_file", args=[claim.number, file.pk]) + '"' not in shown
    client = Client()
    client.force_login(firm.clerk)
    assert client.get(reverse("claim_invoice_typed", args=[claim.number, file.pk])).status_code == 404


def test_one_file_or_fifty_cost_the_same_queries(firm, claim, keep, django_assert_max_num_queries):
    client = Client()
    client.force_login(firm.clerk)
    address = reverse("claim_invoices_waiting", args=[claim.number])

    def count() -> int:
        with django_assert_max_num_queries(100) as queries:
            client.get(address)
        return len(queries)

    keep()
    count()
    one = count()
    for number in range(5):
        jobs.request(SCAN, f"attachment:{keep(f'{number}.png').pk}")
    assert count() == one

"""The claim workspace: from an empty voucher to the receipt of a submission, and every way that it may go wrong."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests import factories
from tests.claims.test_intake import xml
from vouchers.claims.drafts import HalfTyped
from vouchers.claims.models import Claim
from vouchers.claims.papers import Allocation, Attachment, ClaimLine, Invoice, PaymentMade
from vouchers.claims.selectors import vouchers_of
from vouchers.money import yuan
from vouchers.portal.filing.forms import PaymentForm
from vouchers.review.corrections import open_items, return_for_correction

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_files(settings):
    settings.MIDDLEWARE = [each for each in settings.MIDDLEWARE if "whitenoise" not in each]


@pytest.fixture
def client(firm):
    client = Client()
    client.force_login(firm.clerk)
    return client


def at(claim, rest=""):
    return f"/claims/{claim.number}/{rest}"


def file(content=b"%PDF-1.7 test", name="合同.pdf"):
    return SimpleUploadedFile(name, content)


def page(answer, status=200):
    assert answer.status_code == status, answer.content.decode()[:2000]
    return answer.content.decode()


def version(claim):
    claim.refresh_from_db()
    return str(claim.version)


SIGNED = {"truth": "on", "unrelated": "on"}
PAID = {"serial_number": "LS1", "paid_on": "2025-06-20", "payer_name": "甲", "payee_name": "示范算力1"}


def test_a_clerk_files_a_claim_from_the_voucher_to_the_receipt(client, firm, product):
    client.post(f"/claims/open/{vouchers_of(firm.organisation).get().pk}/")
    claim = Claim.objects.get()
    assert "缺少算力服务合同" in page(client.get(at(claim, "submit/")))
    answer = client.post(at(claim, "invoices/"), {"kind": "invoice", "chosen": [file(xml(firm), "a.xml")]})
    assert "1张已登记" in page(answer)
    line = Invoice.objects.get().lines.get()
    address = at(claim, f"invoices/{line.invoice_id}/")
    assert client.post(address, {f"line_{line.pk}": "on", f"product_{line.pk}": product.pk}).status_code == 302
    assert client.post(at(claim, "payments/"), PAID | {"amount_fen": "106,000"}).status_code == 302
    assert "可以自动对应1处" in page(client.get(at(claim, "payments/")))
    assert client.post(at(claim, "payments/match/"), {"accept": "1"}).status_code == 302
    for kind in ("contract", "receipt", "usage"):
        assert client.post(at(claim, "papers/"), {"kind": kind, "chosen": [file()]}).status_code == 302
    assert "材料齐了" in page(client.get(at(claim)))
    assert "31,800.00" in page(client.get(at(claim)))
    answer = client.post(at(claim, "submit/"), SIGNED | {"version": "0"}, follow=True)
    assert f"{claim.number}-" in page(answer)
    claim.refresh_from_db()
    assert (claim.state, claim.granted_fen) == ("submitted", 3_180_000)


def test_a_second_click_submits_nothing_more_and_leads_to_the_receipt(client, firm, product):
    claim = factories.ready(firm, product, 1)
    for _ in range(2):
        answer = client.post(at(claim, "submit/"), SIGNED | {"version": "0"})
        assert answer.url == at(claim, "receipt/")
    assert claim.events.count() == 1


def test_a_stale_screen_submits_nothing_and_an_unsigned_one_neither(client, firm, product):
    claim = factories.ready(firm, product, 1)
    assert "刷新页面" in page(client.post(at(claim, "submit/"), SIGNED | {"version": "7"}))
    assert "请阅读真实性承诺" in page(client.post(at(claim, "submit/"), {"version": "0", "unrelated": "on"}))
    claim.refresh_from_db()
    assert claim.state == "draft"


def test_one_bad_file_of_many_loses_none_of_the_good(client, firm):
    claim = factories.draft(firm)
    good = [file(xml(firm, f"2532000000000000{n:04d}"), f"{n}.xml") for n in range(1, 6)]
    text = page(
        client.post(at(claim, "invoices/"), {"kind": "invoice", "chosen": [*good, file(b"MZ", "票.pdf"), file()]})
    )
    assert "可执行程序" in text
    assert "人工填写" in text
    assert Invoice.objects.count() == 5


def test_forty_files_at_once_are_taken_and_one_more_is_told_in_words(client, firm):
    claim = factories.draft(firm)

    def files(count):
        return [file(b"%PDF-1.7 " + str(n).encode()) for n in range(count)]

    assert "最多上传 40 个" in page(client.post(at(claim, "papers/"), {"kind": "other", "chosen": files(41)}), 409)
    assert client.post(at(claim, "papers/"), {"kind": "other", "chosen": files(40)}).status_code == 302
    assert Attachment.objects.count() == 40


def typed(firm, **changes):
    return {
        "kind": "电子发票（增值税专用发票）", "code": "", "number": "25320000000000000009", "date": "2025-06-10",
        "seller_name": "示范算力1", "seller_id": "91320299", "buyer_name": firm.name, "total_fen": "106", "remark": "",
        "lines-TOTAL_FORMS": "2", "lines-INITIAL_FORMS": "0", "lines-0-name": "算力", "lines-0-amount_fen": "100",
        "lines-0-tax_rate": "6%", "lines-0-tax_fen": "6", "lines-1-tax_rate": "6%",
    } | changes  # fmt: skip


def test_a_file_that_cannot_be_read_is_typed_in_and_corrected(client, firm):
    claim = factories.draft(firm)
    client.post(at(claim, "invoices/"), {"kind": "invoice", "chosen": [file(name="㐂䶮发票.pdf")]})
    address = at(claim, f"invoices/typed/{Attachment.objects.get().pk}/")
    wrong = page(client.post(address, typed(firm, total_fen="107")))
    assert "与价税合计 107.00 元不符" in wrong
    assert 'value="25320000000000000009"' in wrong
    assert client.post(address, typed(firm)).status_code == 302
    invoice = Invoice.objects.get()
    assert (invoice.read_by, invoice.total_fen, invoice.lines.count()) == ("typed", 10_600, 1)
    better = at(claim, f"invoices/{invoice.pk}/correct/")
    assert client.post(better, typed(firm, seller_name="改过")).status_code == 302
    clash = page(client.post(better, typed(firm, seller_name="又改", seen="1")))
    assert "又改" in clash
    assert "现在保存着的内容" in clash
    invoice.refresh_from_db()
    assert invoice.seller_name == "改过"


def test_more_rows_keep_everything_typed(client, firm):
    claim = factories.draft(firm)
    client.post(at(claim, "invoices/"), {"kind": "invoice", "chosen": [file()]})
    address = at(claim, f"invoices/typed/{Attachment.objects.get().pk}/")
    text = page(client.post(address, typed(firm, more="1", seller_name="写到一半")))
    assert 'name="lines-4-name"' in text
    assert "写到一半" in text
    assert not Invoice.objects.exists()


def test_what_is_half_typed_is_kept_and_there_again_after_signing_in_anew(client, firm):
    claim = factories.draft(firm)
    client.post(at(claim, "invoices/"), {"kind": "invoice", "chosen": [file()]})
    file_id = Attachment.objects.get().pk
    address, keep = at(claim, f"invoices/typed/{file_id}/"), at(claim, f"keep/typed/{file_id}/")
    assert "已保存" in page(client.post(keep, typed(firm, seller_name="写到一半")))
    assert "没有自动保存" in page(client.post(keep, typed(firm, seller_name="另一个窗口")))
    client.logout()
    assert "/accounts/login/?next=" in client.get(address).url
    client.force_login(firm.clerk)
    text = page(client.get(address))
    assert "写到一半" in text
    assert "填到一半的内容" in text


def test_every_form_of_a_claim_is_kept_half_typed_until_saved_or_given_up(client, firm, product):
    claim = factories.ready(firm, product, 1)
    payment, line = PaymentMade.objects.get(), Invoice.objects.get().lines.get()
    cell = f"cell_{payment.pk}_{line.invoice_id}"
    half_typed = {
        "payments/": ("new-payment/0", {"payee_name": "写到一半的收款人", "paid_on": "2025-0"}, "写到一半的收款人"),
        f"payments/{payment.pk}/": (f"payment/{payment.pk}", {"serial_number": "写到一半的流水"}, "写到一半的流水"),
        "payments/match": ("match/0", {cell: "12.3元多"}, "12.3元多"),
        f"invoices/{line.invoice_id}/": (
            f"lines/{line.invoice_id}",
            {f"related_{line.pk}": "on"},
            f'name="related_{line.pk}" checked',
        ),
    }
    for where, (form, body, shown) in half_typed.items():
        address = at(claim, where.removesuffix("match"))
        assert "已保存" in page(client.post(at(claim, f"keep/{form}/"), body | {"kept": ""}))
        text = page(client.get(address))
        assert shown in text
        assert "填到一半的内容" in text
        assert client.post(at(claim, f"keep/{form}/"), {"forget": "1"}).url == address
        assert shown not in page(client.get(address))


def test_a_half_typed_form_is_forgotten_once_it_is_saved_and_says_when_it_is_behind(client, firm, product):
    claim = factories.ready(firm, product, 1)
    payment = PaymentMade.objects.get()
    address, keep = at(claim, f"payments/{payment.pk}/"), at(claim, f"keep/payment/{payment.pk}/")
    seen = client.get(address).context["seen"]
    body = PaymentForm.initial_of(payment) | {"amount_fen": "1.00", "attachment": "", "seen": seen}
    client.post(keep, body | {"serial_number": "半", "kept": ""})
    assert "此后被改过" not in page(client.get(address))
    PaymentMade.objects.get().save()  # somebody else saved in between
    assert "此后被改过" in page(client.get(address))
    seen = client.get(address).context["seen"]
    assert client.post(address, body | {"seen": seen, "amount_fen": yuan(payment.amount_fen)}).status_code == 302
    assert "填到一半的内容" not in page(client.get(address))


def test_nothing_is_kept_for_a_form_that_is_no_form_or_of_a_claim_that_is_closed(client, firm, product):
    claim = factories.ready(firm, product, 1)
    for form in ("match/1", "new-payment/1", "payment/0", "nonsense/0", "typed/1"):
        assert client.post(at(claim, f"keep/{form}/"), {"kept": ""}).status_code == 404
    closed = factories.submitted(firm, product, 2)
    assert client.post(at(closed, "keep/match/0/"), {"kept": ""}).status_code == 404
    assert not HalfTyped.objects.exists()


def test_too_much_in_a_cell_is_red_and_kept(client, firm, product):
    claim = factories.ready(firm, product, 1)
    payment, invoice = PaymentMade.objects.get(), Invoice.objects.get()
    text = page(client.post(at(claim, "payments/match/"), {f"cell_{payment.pk}_{invoice.pk}": "999,999.99"}), 409)
    assert "999,999.99" in text
    assert 'aria-invalid="true"' in text
    assert Allocation.objects.get().amount_fen == invoice.total_fen
    assert client.post(at(claim, "payments/match/"), {f"cell_{payment.pk}_{invoice.pk}": "1"}).status_code == 302
    assert Allocation.objects.get().amount_fen == 100


def test_two_tabs_on_the_same_lines_do_not_overwrite_each_other(client, firm, product):
    claim = factories.ready(firm, product, 1)
    line = Invoice.objects.get().lines.get()
    address = at(claim, f"invoices/{line.invoice_id}/")
    seen = client.get(address).context["seen"]
    sent = {f"line_{line.pk}": "on", f"product_{line.pk}": product.pk, "seen": seen}
    assert client.post(address, sent | {f"related_{line.pk}": "on"}).status_code == 302
    text = page(client.post(address, sent | {f"elsewhere_{line.pk}": "on"}), 409)
    assert "现在保存着的：申报" in text
    said = ClaimLine.objects.get()
    assert (said.seller_related, said.subsidised_elsewhere) == (True, False)


def test_a_ticked_line_without_a_product_is_asked_for_one_and_an_unlisted_seller_explained(client, firm, product):
    claim = factories.ready(firm, product, 1)
    line = Invoice.objects.get().lines.get()
    address = at(claim, f"invoices/{line.invoice_id}/")
    assert "请选择它对应的算力产品" in page(client.post(address, {f"line_{line.pk}": "on"}), 409)
    Invoice.objects.update(seller_id="91320299000800001X")
    assert "不在本市服务商名录内" in page(client.get(address))


def test_corrections_are_answered_one_by_one_and_then_submitted_again(client, firm, product, office):
    claim = factories.submitted(firm, product, 1)
    return_for_correction(claim, ["补盖章的合同", "说明用途"], actor=office.reviewer)
    claim.refresh_from_db()
    first, second = open_items(claim)
    assert "还有" in page(client.get(at(claim, "corrections/")))
    kept = page(client.post(at(claim, f"corrections/{first.pk}/"), {f"answer_{first.pk}": "补了"}), 200)
    assert "已保存" not in kept  # without the mark of what was seen nothing is overwritten
    mark = client.get(at(claim, "corrections/")).context["rows"][0]["mark"]
    kept = page(
        client.post(at(claim, f"corrections/{first.pk}/"), {f"answer_{first.pk}": "补了", f"seen_{first.pk}": mark})
    )
    assert "已保存" in kept
    assert "第 2 项补正意见尚未答复" in page(client.get(at(claim, "submit/")))
    marks = {f"seen_{row['item'].pk}": row["mark"] for row in client.get(at(claim, "corrections/")).context["rows"]}
    sent = {f"answer_{first.pk}": "补了", f"answer_{second.pk}": "训练模型"} | marks
    assert client.post(at(claim, "corrections/"), sent).url == at(claim, "submit/")
    client.post(at(claim, "submit/"), SIGNED | {"version": version(claim)})
    claim.refresh_from_db()
    assert claim.state == "submitted"


@pytest.mark.parametrize(
    ("before", "way", "after", "sent"),
    [
        ("draft", "discard/", "discarded", {}),
        ("submitted", "withdraw/", "withdrawn", {}),
        ("rejected", "appeal/", "accepted", {"reason": "有误"}),
    ],
)
def test_the_ways_out_ask_once_more_and_refuse_a_stale_screen(client, firm, product, office, before, way, after, sent):
    claim = factories.drive(factories.ready(firm, product, 1), before, firm, office)
    page(client.get(at(claim, way)))
    assert "刷新页面" in page(client.post(at(claim, way), sent | {"version": "99"}))
    assert client.post(at(claim, way), sent | {"version": version(claim)}).url == at(claim)
    claim.refresh_from_db()
    assert claim.state == after
    assert client.get(at(claim, way)).url == at(claim)


def test_an_invoice_a_payment_and_a_file_are_removed_after_being_asked(client, firm, product):
    claim = factories.ready(firm, product, 1)
    invoice, payment = Invoice.objects.get(), PaymentMade.objects.get()
    paper = Attachment.objects.get(kind="contract")
    for rest in (f"invoices/{invoice.pk}/remove/", f"payments/{payment.pk}/remove/", f"files/{paper.pk}/remove/"):
        page(client.get(at(claim, rest)))
        assert client.post(at(claim, rest)).status_code == 302
    assert not Invoice.objects.exists()
    assert not PaymentMade.objects.exists()
    assert not Attachment.objects.filter(kind="contract").exists()


def test_a_submitted_claim_is_shown_and_not_changed(client, firm, product):
    claim = factories.submitted(firm, product, 1)
    invoice = Invoice.objects.get()
    assert "已经提交" in page(client.post(at(claim, f"invoices/{invoice.pk}/remove/")))
    assert "已经提交" in page(client.post(at(claim, "papers/"), {"kind": "other", "chosen": [file()]}), 409)
    assert "上传发票" not in page(client.get(at(claim, "invoices/")))
    assert Invoice.objects.count() == 1


def test_a_closed_window_keeps_what_was_filled_in(client, firm, product):
    claim = factories.ready(firm, product, 1)
    factories.pass_days(400)
    assert "截止" in page(client.post(at(claim, "submit/"), SIGNED | {"version": "0"}))
    assert claim.lines.count() == 1


def test_a_file_is_handed_out_as_it_came(client, firm):
    claim = factories.draft(firm)
    client.post(at(claim, "papers/"), {"kind": "contract", "chosen": [file(b"%PDF-1.7 mine", "合同.pdf")]})
    answer = client.get(at(claim, f"files/{Attachment.objects.get().pk}/"))
    assert answer.content == b"%PDF-1.7 mine"
    assert "attachment" in answer["Content-Disposition"]


def test_a_claim_that_waits_says_its_place(product, office):
    firm = factories.firm(1, factories.call(pool_fen=100), reviewer=office.reviewer)
    client = Client()
    client.force_login(firm.clerk)
    claim = factories.submitted(firm, product, 1)
    assert claim.waiting
    assert "轮候第1位" in page(client.get(at(claim)))
    assert "轮候中" in page(client.get("/claims/"))


STATES = ["draft", "discarded", "returned", "accepted", "reviewed", "approved", "publicised", "suspended", "payable",
          "batched", "paid", "rejected", "withdrawn", "lapsed", "recovered"]  # fmt: skip


@pytest.mark.parametrize("state", STATES)
def test_every_page_of_a_claim_opens_in_every_state(client, firm, product, office, state):
    claim = factories.drive(factories.ready(firm, product, 1), state, firm, office)
    invoice = Invoice.objects.get()
    for rest in ("", "invoices/", f"invoices/{invoice.pk}/", "payments/", "papers/", "decision/"):
        if (state, rest) != ("discarded", "decision/"):
            page(client.get(at(claim, rest)))
    assert client.get(at(claim, "letter/")).status_code == 404
    assert claim.number in page(client.get("/claims/"))

"""The main job in the browser: an enterprise registers and files, officials decide, finance pays."""

import datetime as dt
import re

import pytest
from django.conf import settings
from django.core import mail

from tests import factories
from tests.browser.conftest import PASSWORD
from vouchers.claims.models import Claim
from vouchers.claims.papers import Invoice
from vouchers.jobs import services as jobs
from vouchers.ledger import books
from vouchers.management.demo.papers import Item, Party, credit_code, invoice_xml, proof_pdf
from vouchers.review.deadlines import pass_deadlines
from vouchers.review.replay import check_review
from vouchers.tasks import HANDLERS

pytestmark = pytest.mark.django_db(transaction=True)
NAME = "无锡澄影智能科技有限公司"
CODE = credit_code(77)


def paper(name, content, kind="application/pdf"):
    """A file as a browser's file dialogue gives it."""
    return {"name": name, "mimeType": kind, "buffer": content}


def register(visit, sign_in):
    """A person with a confirmed address registers the enterprise and its account."""
    visitor = visit()
    page = visitor.go("/register/")
    visitor.look("register")
    person = {
        "name": "顾明月", "email": "gu@example.com", "phone": "13812345678", "username": "gumingyue",
        "password": PASSWORD, "again": PASSWORD,
    }  # fmt: skip
    for field, value in person.items():
        page.fill(f"[name={field}]", value)
    visitor.press("注册")
    visitor.look("register-sent")
    link = re.search(r"http://\S+(/accounts/confirm/\S+)", mail.outbox[-1].body)[1]
    visitor.go(link)
    visitor.look("confirm-address")
    visitor.press("是我的，确认")
    visitor = sign_in("gumingyue")
    page = visitor.page
    visitor.look("enterprise-register")
    page.select_option("[name=category]", "digital_enterprise")
    page.select_option("[name=district]", "滨湖区")
    firm = {
        "code": CODE, "name": NAME, "legal_representative": "顾明月", "registered_on": "2020-03-02",
        "address": "滨湖区示范大道 77 号", "contact_name": "顾明月", "contact_phone": "13812345678",
    }  # fmt: skip
    for field, value in firm.items():
        page.fill(f"[name={field}]", value)
    visitor.press("登记")
    visitor.go("/enterprise/account/")
    for field, value in {"holder_name": NAME, "bank_name": "示范银行", "number": "6200000000000077"}.items():
        page.fill(f"[name={field}]", value)
    visitor.press("保存账户")
    visitor.look("enterprise-account")
    visitor.go("/enterprise/")
    visitor.look("enterprise")
    return visitor


def apply_for_voucher(visitor):
    """The year's voucher is applied for."""
    visitor.go("/vouchers/apply/")
    visitor.look("voucher-apply")
    visitor.page.fill("[name=purpose]", "训练纺织面料瑕疵检测模型")
    visitor.press(re.compile("申领2025年度算力券"))
    visitor.look("voucher-applied")


def issue(reviewer):
    """The reviewer issues every voucher that waits."""
    reviewer.go("/admin/vouchers-queue/")
    reviewer.page.locator("input[name=pick]").first.check()
    reviewer.look("desk-vouchers")
    reviewer.press(re.compile("发放所选"))


def file_claim(visitor, product):
    """A claim is opened, filled in with real files, and submitted."""
    page = visitor.page
    visitor.go("/claims/")
    visitor.look("claims")
    visitor.press(re.compile("申请兑付"))
    number = page.url.rstrip("/").rsplit("/", 1)[-1]
    visitor.look("claim-draft")
    seller, buyer = Party(product.provider.uscc, product.provider.name), Party(CODE, NAME)
    files = [
        paper(
            f"数电票{n}.xml",
            invoice_xml(
                f"2532{n:016d}", dt.date(2025, 6, 10), seller, buyer,
                [Item("*信息技术服务*智能算力服务费", "卡时", "1", "1000000.00", 100_000_000)],
            ),
            "text/xml",
        )
        for n in (1, 2)
    ]  # fmt: skip
    program = paper("发票.pdf", b"MZ\x90\x00 this is a program")
    visitor.go(f"/claims/{number}/invoices/")
    page.set_input_files("input[type=file]", [*files, program])
    visitor.press("上传")
    assert page.get_by_text("没有收下").count() == 1
    visitor.look("claim-invoices")
    for n in (1, 2):
        visitor.go(f"/claims/{number}/invoices/")
        page.locator("table.bills a").nth(n - 1).click()
        page.locator("input[name^=line_]").first.check()
        page.select_option("select[name^=product_]", index=1)
        if n == 1:
            visitor.look("claim-invoice")
        visitor.press(re.compile("保存并返回发票"))
    pay(visitor, number, product)
    visitor.go(f"/claims/{number}/papers/")
    for place, name in (("contract", "算力服务合同.pdf"), ("usage", "用量清单.pdf")):
        page.locator(f"section#{place} input[type=file]").set_input_files(paper(name, proof_pdf(name, ["演示"])))
        with page.expect_navigation():
            page.locator(f"section#{place}").get_by_role("button", name="上传", exact=True).click()
    visitor.look("claim-papers")
    visitor.go(f"/claims/{number}/")
    visitor.look("claim-ready")
    visitor.go(f"/claims/{number}/submit/")
    visitor.look("claim-submit")
    page.check("[name=truth]")
    page.check("[name=unrelated]")
    visitor.press(re.compile("签署并提交"))
    visitor.look("claim-receipt")
    return number


def pay(visitor, number, product):
    """Receipts are uploaded, transfers entered, and the suggested matches taken."""
    page = visitor.page
    visitor.go(f"/claims/{number}/payments/")
    page.locator("section#receipts input[type=file]").set_input_files(paper("回单.pdf", proof_pdf("回单", ["演示"])))
    with page.expect_navigation():
        page.locator("section#receipts").get_by_role("button", name="上传", exact=True).click()
    for n in (1, 2):
        page.locator("section#add [name=serial_number]").fill(f"LS{n}")
        page.locator("section#add [name=paid_on]").fill("2025-06-20")
        page.locator("section#add [name=payer_name]").fill(NAME)
        page.locator("section#add [name=payee_name]").fill(product.provider.name)
        page.locator("section#add [name=amount_fen]").fill("1,060,000.00")
        visitor.press(re.compile("登记这笔付款"))
    visitor.look("claim-payments")
    visitor.press(re.compile("采用建议"))
    visitor.look("claim-payments-matched")


def act(officer, claim, verb):
    """Take a step on the claim's screen, as its own form there."""
    officer.go(f"/admin/claims/{claim.pk}/?view=all")
    form = officer.page.locator(f"form#form-{verb}")
    if not form.is_visible():
        officer.page.locator(f"#do-{verb} > summary").click()
    if form.locator("[name=confirm]").count():
        form.locator("[name=confirm]").check()
    if form.locator("[name=reason]").count():
        form.locator("[name=reason]").fill("材料齐全，核对无误。")
    with officer.page.expect_navigation():
        form.locator("button").last.click()
    claim.refresh_from_db()


def verify(officer, claim):
    """Every invoice's answer of the tax platform is entered, with its picture."""
    picture = paper("查验.png", b"\x89PNG\r\n\x1a\n" + b"0" * 40, "image/png")
    for invoice in Invoice.objects.filter(allocations__claim=claim).distinct():
        page = officer.go(f"/admin/claims/{claim.pk}/?view=all&invoice={invoice.pk}")
        form = page.locator(f"form[action*='/invoices/{invoice.pk}/verify/']")
        if not form.is_visible():
            page.locator("#do-verify > summary").click()
        form.locator("[name=status]").select_option("MATCH")
        form.locator("[name=picture]").set_input_files(picture)
        form.locator("[name=reference]").fill("P123")
        with page.expect_navigation():
            form.get_by_role("button", name="登记查验结果").click()
        assert invoice.verifications.get().status == "MATCH"


def return_with_a_list(officer, claim):
    """The reviewer returns the claim with one list."""
    officer.go(f"/admin/claims/{claim.pk}/?view=all")
    officer.page.locator("#do-return > summary").click()
    items = officer.page.locator("#form-return input[name=item]")
    items.first.fill("用量清单缺少服务商盖章，请补充。")
    with officer.page.expect_navigation():
        officer.page.locator("#form-return button.btn").last.click()
    claim.refresh_from_db()
    assert claim.state == "returned"


def correct(visitor, number):
    """The clerk answers the list and submits again."""
    page = visitor.page
    visitor.go(f"/claims/{number}/")
    visitor.look("claim-returned")
    visitor.go(f"/claims/{number}/corrections/")
    page.locator("textarea").first.fill("已补充盖章的用量清单。")
    visitor.look("claim-corrections")
    with page.expect_response(re.compile("/corrections/")):
        page.get_by_role("button", name=re.compile("保存|答复")).first.click()
    page.wait_for_load_state()
    visitor.go(f"/claims/{number}/submit/")
    page.check("[name=truth]")
    page.check("[name=unrelated]")
    visitor.press(re.compile("签署并重新提交"))


def disburse(finance, signer):
    """One finance officer makes the batch, another signs, the papers are printed, the bank answers."""
    page = finance.page
    finance.go("/admin/batches/")
    finance.look("batches")
    page.fill("[name=approval_reference]", "锡财工贸〔2026〕演示第 1 号")
    finance.press(re.compile("建立批次"))
    path = page.url.removeprefix(finance.base)
    page.locator("#picker input[name=pick]").first.check()
    finance.look("batch-open")
    finance.press("列入所选")
    finance.press(re.compile("^封存"))
    signer.go(path)
    signer.look("batch-frozen")
    signer.page.check("[name=checked]")
    signer.press("签批")
    signer.press(re.compile("生成拨付文书"))
    for job in jobs.runnable():
        jobs.run(job.pk, HANDLERS)
    signer.go(path)
    signer.look("batch-printed")
    with signer.page.expect_download() as download:
        signer.page.locator("a[href*='/papers/']").first.click()
    assert download.value.suggested_filename
    finance.go(path)
    finance.press(re.compile("登记已发送银行"))
    page.locator("#do-arrivals [name=reference]").fill("YH0001")
    page.locator("#do-arrivals [name=answered_on]").fill(settings.CLOCK.today().isoformat())
    finance.press(re.compile("登记 1 笔到账"))
    finance.press(re.compile("对账，办结本批"))
    finance.look("batch-reconciled")


def test_from_registration_to_the_money(visit, sign_in, officer):
    settings.MEDIA_ROOT.mkdir(exist_ok=True)
    phones = {
        username: officer(username, name, role)[1]
        for username, name, role in [
            ("shenhe", "沈荷", "reviewer"), ("shenpi", "施丕", "approver"), ("fushen", "傅申", "approver"),
            ("caiwu", "蔡武", "finance"), ("fuhe", "伏禾", "finance"), ("shenji", "沈稷", "auditor"),
        ]
    }  # fmt: skip
    factories.call()
    product = factories.product()
    enterprise = register(visit, sign_in)
    apply_for_voucher(enterprise)
    reviewer = sign_in("shenhe", phones["shenhe"])
    issue(reviewer)
    number = file_claim(enterprise, product)
    claim = Claim.objects.get(number=number)
    assert (claim.state, claim.granted_fen) == ("submitted", 63_600_000)

    reviewer.go("/admin/")
    reviewer.look("desk-home")
    reviewer.go("/admin/queue/")
    reviewer.look("desk-queue")
    reviewer.go(f"/admin/claims/{claim.pk}/")
    reviewer.look("desk-claim")
    return_with_a_list(reviewer, claim)
    correct(enterprise, number)
    act(reviewer, claim, "accept")
    act(reviewer, claim, "review")
    assert claim.state == "reviewed"
    act(sign_in("shenpi", phones["shenpi"]), claim, "approve")
    act(sign_in("fushen", phones["fushen"]), claim, "approve")
    verify(reviewer, claim)
    reviewer.look("desk-verified")
    act(reviewer, claim, "publicise")
    assert claim.state == "publicised"
    enterprise.go("/publicity/")
    enterprise.look("publicity")
    factories.pass_days(10)
    assert pass_deadlines() == 1

    disburse(sign_in("caiwu", phones["caiwu"]), sign_in("fuhe", phones["fuhe"]))
    claim.refresh_from_db()
    assert claim.state == "paid"
    enterprise.go(f"/claims/{number}/")
    enterprise.look("claim-paid")
    enterprise.go(f"/claims/{number}/decision/")
    enterprise.look("claim-decision")
    auditor = sign_in("shenji", phones["shenji"])
    for name, path in {"trail": "/admin/trail/", "books": "/admin/books/", "tables": "/admin/tables/"}.items():
        auditor.go(path)
        auditor.look(f"auditor-{name}")
    assert books.check().problems == []
    assert check_review()[1] == []

"""The tax platform's word on the claim's screen: fields to copy, answers recorded, waivers of two, hostile text shown as text."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests import factories
from vouchers.claims.doubts import answer_doubt
from vouchers.claims.papers import Invoice
from vouchers.claims.verification import Verification, VerificationWaiver
from vouchers.invoices.verifier import Double, Status
from vouchers.review import verifying
from vouchers.review.models import ClawbackProposal
from vouchers.review.objections import object_to

pytestmark = pytest.mark.django_db
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 40
EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>"
TOLD = "&lt;script&gt;alert(1)&lt;/script&gt;"


def shot():
    return SimpleUploadedFile("查验.png", PNG)


def invoice_of(claim):
    return Invoice.objects.get(allocations__claim=claim)


def address(claim, rest=""):
    return f"/admin/claims/{claim.pk}/{rest}"


def record(desk, who, claim, **data):
    given = {"status": "MATCH", "picture": shot(), **data}
    return desk.browser(who).post(address(claim, f"invoices/{invoice_of(claim).pk}/verify/"), given)


def test_the_fields_stand_there_to_copy_and_an_answer_is_recorded(desk):
    claim = desk.claim("accepted")
    page = desk.look("reviewer", address(claim))
    number = invoice_of(claim).number
    assert f'data-copy="{number}"' in page
    assert "尚未查验" in page
    assert record(desk, "reviewer", claim, reference="P123", note="核对无误").status_code == 302
    row = Verification.objects.get()
    assert (row.status, row.provider, row.reference, row.attempt) == ("MATCH", "manual", "P123", 1)
    assert "P123" in desk.look("auditor", address(claim))
    picture = desk.browser("auditor").get(address(claim, f"checks/{row.pk}/picture/"))
    assert picture.content == PNG
    assert picture["Content-Disposition"].startswith("attachment")


def test_refused_it_stands_there_as_it_was_typed(desk):
    claim = desk.claim("accepted")
    answer = record(desk, "reviewer", claim, picture="", note="已核对三遍")
    assert answer.status_code == 409
    page = answer.content.decode()
    assert "请附上税务平台查验结果的截图" in page
    assert "已核对三遍" in page
    assert not Verification.objects.exists()


def test_a_reversal_recorded_here_stops_the_claim_and_tells_finance(desk):
    claim = desk.claim("paid")
    part = {"status": "RED_PART", "red_number": "25321111111111111111", "red_on": "2025-07-01",
            "red_total_fen": "53000.00", "red_tax_fen": "3000.00"}  # fmt: skip
    assert record(desk, "reviewer", claim, **part).status_code == 302
    proposal = ClawbackProposal.objects.get()
    page = desk.look("preparer", address(claim))
    assert "建议追回" in page
    assert "追回建议" in desk.look("preparer", "/admin/")
    assert str(proposal.claim) in desk.look("preparer", "/admin/vouchers/clawbackproposal/")


def test_a_waiver_is_asked_for_by_one_and_agreed_to_by_another(desk):
    claim = desk.claim("accepted")
    ask = address(claim, f"invoices/{invoice_of(claim).pk}/waive/")
    assert desk.browser("preparer").post(ask, {"reason": ""}).status_code == 409
    assert desk.browser("preparer").post(ask, {"reason": "平台停机一周"}).status_code == 302
    waiver = VerificationWaiver.objects.get()
    agree = address(claim, f"waivers/{waiver.pk}/agree/")
    own = desk.browser("preparer").post(agree)
    assert (own.status_code, "提出人不能自己同意" in own.content.decode()) == (409, True)
    assert desk.browser("approver").post(agree).status_code == 302
    waiver.refresh_from_db()
    assert waiver.agreed_by == desk.office.approver.user


def test_only_an_approver_withdraws_a_letter(desk):
    claim = desk.claim("payable")
    verifying.record_answer(
        invoice_of(claim), Status.VOID, actor=desk.office.reviewer, picture=verifying.Picture("a.png", PNG)
    )
    letter = Invoice.objects.get(red=True)
    withdraw = address(claim, f"invoices/{letter.pk}/letters/{letter.pk}/withdraw/")
    assert desk.browser("reviewer").post(withdraw, {"reason": "录错"}).status_code == 403
    assert desk.browser("approver").post(withdraw, {"reason": "录错"}).status_code == 302
    letter.refresh_from_db()
    assert letter.withdrawn_at is not None


def test_nothing_of_another_claim_is_reached_through_this_one(desk, monkeypatch):
    claim, other = desk.claim("accepted"), desk.claim("accepted")
    theirs = invoice_of(other)
    row = verifying.ask(theirs, Double(), actor=desk.office.reviewer)
    monkeypatch.setattr("vouchers.admin.desk.views.picture_of", lambda file, page: PNG)
    client = desk.browser("reviewer")
    assert client.post(address(claim, f"invoices/{theirs.pk}/verify/"), {"status": "QUOTA"}).status_code == 404
    assert client.post(address(claim, f"invoices/{theirs.pk}/waive/"), {"reason": "x"}).status_code == 404
    assert client.get(address(claim, f"checks/{row.pk}/picture/")).status_code == 404
    assert client.get(address(claim, f"files/{theirs.attachment_id}/pages/0.png")).status_code == 404
    assert client.get(address(other, f"files/{theirs.attachment_id}/pages/0.png"))["Content-Type"] == "image/png"
    assert Verification.objects.count() == 1


def test_doubts_stand_at_their_field_with_what_the_enterprise_said(desk):
    firm = desk.firm()
    claim = factories.ready(firm, desk.product, 1)
    Invoice.objects.update(warnings=[{"code": "words_mismatch", "message": "大写与小写不一致。"}])
    answer_doubt(claim, Invoice.objects.get(), "words_mismatch", "销售方已书面确认。", user=firm.clerk)
    factories.drive(claim, "accepted", firm, desk.office)
    page = desk.look("reviewer", address(claim))
    row = page[page.index('id="f-total"') :]
    assert "大写与小写不一致。" in row[: row.index("</tr>")]
    assert "销售方已书面确认。" in page


def test_invoices_alike_are_told_to_the_reviewer_by_name_and_to_no_applicant(desk):
    claim, twin = desk.claim("accepted"), desk.claim("submitted")
    page = desk.look("reviewer", address(claim))
    assert "疑似重复" in page
    assert twin.firm.name in page
    clerk = Client()
    clerk.force_login(claim.firm.clerk)
    own = clerk.get(f"/claims/{claim.number}/invoices/{invoice_of(claim).pk}/").content.decode()
    assert twin.firm.name not in own
    assert invoice_of(twin).number not in own


def test_the_screen_asks_as_often_after_many_answers_as_after_none(desk):
    claim = desk.claim("accepted")
    few = desk.queries("reviewer", address(claim))
    row = invoice_of(claim)
    for _ in range(3):
        verifying.record_answer(row, Status.UNAVAILABLE, actor=desk.office.reviewer)
    for number in range(5):
        verifying.ask_waiver(row, reason=f"理由{number}", actor=desk.office.preparer)
    assert desk.queries("reviewer", address(claim)) == few


def test_hostile_words_are_shown_as_words(desk):
    claim = desk.claim("publicised")
    object_to(claim, name=EVIL[:60], contact="13800000000", text=EVIL)
    verifying.ask_waiver(invoice_of(claim), reason=EVIL, actor=desk.office.preparer)
    verifying.record_answer(invoice_of(claim), Status.QUOTA, actor=desk.office.reviewer, note=EVIL, reference=EVIL[:60])
    for page in ("/admin/publicity/", address(claim)):
        text = desk.look("reviewer", page)
        assert "<script>alert(1)" not in text
        assert "<img src=x" not in text
        assert TOLD in text

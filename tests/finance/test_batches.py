"""A batch from the first pick to the last answer of the bank, on the screens of two finance officers."""

import io
import zipfile

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from applicants.services import add_sanction, set_bank_account
from audit.models import AuditEntry
from tests.finance.conftest import do, hidden, latest_job, run, signed_in
from vouchers.disbursement import services as disbursement
from vouchers.disbursement.models import Batch
from vouchers.documents.models import Document
from vouchers.jobs.models import Job
from vouchers.ledger.selectors import paid_fen
from vouchers.review.actors import Actor

pytestmark = pytest.mark.django_db


def text(answer):
    return answer.content.decode()


def pick(claims):
    for claim in claims:
        claim.refresh_from_db()
    return [f"{claim.pk}:{claim.version}" for claim in claims]


def test_a_batch_goes_all_the_way_through_the_pages(payable, desk, second_desk, auditor):
    call, claims = payable(3)
    assert "待拨付 3 笔" in text(desk.get("/admin/batches/"))
    made = desk.post("/admin/batches/open/", {"call": call.pk, "approval_reference": "锡工信发〔2026〕31号"})
    batch = Batch.objects.get()
    assert made.url == f"/admin/batches/{batch.pk}/"
    assert do(desk, batch, "add", pick=pick(claims[:2])).status_code == 302
    assert do(desk, batch, "add", all=desk.get(made.url).context["pick_stamp"]).status_code == 302
    dropped = batch.payments.get(claim=claims[2])
    assert do(desk, batch, "remove", payment=dropped.pk).status_code == 302
    assert do(desk, batch, "freeze", seen=hidden(desk, batch, "freeze", "seen")).status_code == 302
    digest = hidden(second_desk, batch, "sign", "digest")
    assert do(second_desk, batch, "sign", digest=digest, checked="on").status_code == 302
    assert do(desk, batch, "export").status_code == 302
    run(latest_job())
    page = desk.get(made.url)
    assert page.context["complete"]
    assert do(desk, batch, "release", digest=hidden(desk, batch, "release", "digest")).status_code == 302
    first, second = batch.payments.exclude(state="dropped")
    said = {"answer": "fail", "reference": "T1", "answered_on": settings.CLOCK.today(), "message": "账号不存在"}
    assert do(desk, batch, "answer", payment=first.pk, seen_state="sent", **said).status_code == 302
    seen = hidden(desk, batch, "arrivals", "seen")
    answer = do(desk, batch, "arrivals", seen=seen, reference="Y1", answered_on=settings.CLOCK.today())
    assert answer.status_code == 302
    assert do(desk, batch, "reconcile").status_code == 302
    batch.refresh_from_db()
    assert batch.state == "reconciled"
    assert [paid_fen(claim.pk) for claim in (first.claim, second.claim)] == [0, 3_180_000]
    assert "账号不存在" in text(auditor.get(made.url))


def test_the_auditor_looks_at_everything_and_changes_nothing(batch_in, auditor):
    batch, _ = batch_in("frozen")
    page = text(auditor.get(f"/admin/batches/{batch.pk}/"))
    assert "拨付清单" in page
    assert "/do/" not in page
    assert "建立批次" not in text(auditor.get("/admin/batches/"))
    for step in ("add", "remove", "freeze", "sign", "export", "release", "answer", "cancel", "reveal"):
        assert do(auditor, batch, step).status_code == 403
    assert auditor.post("/admin/batches/open/", {}).status_code == 403
    assert Batch.objects.get().state == "frozen"


def test_what_does_not_exist_is_not_found(batch_in, desk):
    batch, _ = batch_in("signed")
    for path in ("", "papers/", "papers/999999/", "letters.zip"):
        number = batch.pk if path in ("papers/999999/", "letters.zip") else 999999
        assert desk.get(f"/admin/batches/{number}/{path}").status_code == 404, path
    assert do(desk, batch, "explode").status_code == 404


def test_another_batchs_payment_and_paper_are_not_found_here(batch_in, office, desk, payable):
    batch, _ = batch_in("released", 1)
    other = disbursement.open_batch(batch.call, approval_reference="2", actor=office.preparer)
    payment, paper = batch.payments.get(), Document.objects.first()
    assert do(desk, other, "remove", payment=payment.pk).status_code == 409
    assert do(desk, other, "reveal", payment=payment.pk, reason="x").status_code == 409
    assert desk.get(f"/admin/batches/{other.pk}/papers/{paper.pk}/").status_code == 404
    payment.refresh_from_db()
    assert payment.state == "sent"


def test_a_stale_screen_freezes_cancels_and_answers_nothing(batch_in, office, desk, payable):
    batch, claims = batch_in("open", 2)
    seen = hidden(desk, batch, "freeze", "seen")
    disbursement.remove_claim(batch.payments.first(), actor=office.signer)
    for step, typed in (("freeze", {}), ("cancel", {"reason": "换个批次再办"})):
        answer = do(desk, batch, step, seen=seen, **typed)
        assert answer.status_code == 409
        assert "有变动" in text(answer)
    assert "换个批次再办" in text(answer)
    batch.refresh_from_db()
    assert batch.state == "open"


def test_a_stale_screen_does_not_take_back_what_arrived(batch_in, office, desk):
    batch, (claim,) = batch_in("released", 1)
    payment = batch.payments.get()
    today = settings.CLOCK.today()
    disbursement.record_answer(payment, "pay", reference="Y1", answered_on=today, actor=office.signer)
    said = {"answer": "fail", "reference": "T9", "answered_on": today, "message": "户名不符"}
    answer = do(desk, batch, "answer", payment=payment.pk, seen_state="sent", **said)
    assert answer.status_code == 409
    assert all(word in text(answer) for word in ("已到账", "T9", "户名不符"))
    assert paid_fen(claim.pk) == 3_180_000


def test_a_claim_that_moved_since_is_not_picked_and_the_other_picks_stay(batch_in, office, desk, payable):
    call, claims = payable(2)
    batch = disbursement.open_batch(call, approval_reference="1", actor=office.preparer)
    first, second = pick(claims)
    answer = do(desk, batch, "add", pick=[first, f"{claims[1].pk}:0"])
    assert answer.status_code == 409
    assert not batch.payments.exists()
    assert f'value="{first}" data-fen="3180000" checked' in text(answer)
    assert do(desk, batch, "add").status_code == 409
    assert do(desk, batch, "add", pick="x:y").status_code == 409
    assert do(desk, batch, "add", all="0" * 32).status_code == 409


def test_whoever_froze_is_told_to_wait_for_the_other_and_cannot_sign(batch_in, desk):
    batch, _ = batch_in("frozen")
    assert "不能自己签批" in text(desk.get(f"/admin/batches/{batch.pk}/"))
    answer = do(desk, batch, "sign", digest=batch.digest, checked="on")
    assert answer.status_code == 409
    batch.refresh_from_db()
    assert batch.state == "frozen"


def test_signing_and_releasing_ask_for_the_second_factor_again_after_five_minutes(batch_in, office):
    batch, _ = batch_in("frozen")
    late = signed_in(office.signer.user, proved_seconds_ago=301)
    answer = do(late, batch, "sign", digest=batch.digest, checked="on")
    assert answer.url.startswith("/accounts/2fa/reauthenticate/")
    assert f"batches%2F{batch.pk}%2F" in answer.url
    batch.refresh_from_db()
    assert batch.state == "frozen"
    assert do(late, batch, "release", digest=batch.digest).url.startswith("/accounts/2fa/reauthenticate/")


def test_a_signature_without_a_look_or_for_something_else_is_refused(batch_in, second_desk):
    batch, _ = batch_in("frozen")
    assert "再勾选确认" in text(do(second_desk, batch, "sign", digest=batch.digest))
    assert "不一致" in text(do(second_desk, batch, "sign", digest="0" * 64, checked="on"))
    batch.refresh_from_db()
    assert batch.state == "frozen"


def test_an_account_that_changed_or_a_sanction_shows_and_blocks_release(batch_in, desk):
    batch, claims = batch_in("signed", 3)
    run(disbursement.start_export(batch, actor=preparer_of(batch)))
    today = settings.CLOCK.today()
    firm = claims[0].organisation
    set_bank_account(
        firm, holder_name="无锡示范1科技有限公司", bank_name="示范银行", number="6200000000009999", on=today
    )
    add_sanction(claims[1].organisation.uscc, list_name="失信名单", reason="r", source="s", listed_on=today)
    page = desk.get(f"/admin/batches/{batch.pk}/")
    assert [row["payee"].problems for row in page.context["wrong"]] == [("封存后账户有变更",), ("已列入“失信名单”",)]
    assert len(desk.get(f"/admin/batches/{batch.pk}/?only=problems").context["page"].object_list) == 2
    answer = do(desk, batch, "release", digest=batch.digest)
    assert answer.status_code == 409
    assert "有变更，不能发送" in text(answer)


def preparer_of(batch):
    return Actor(batch.frozen_by)


def test_a_whole_account_is_shown_once_with_a_reason_on_record(batch_in, desk):
    batch, _ = batch_in("frozen", 1)
    payment = batch.payments.get()
    assert payment.account_number not in text(desk.get(f"/admin/batches/{batch.pk}/?reveal={payment.pk}"))
    assert "请填写" in text(do(desk, batch, "reveal", payment=payment.pk, reason=""))
    answer = do(desk, batch, "reveal", payment=payment.pk, reason="银行来电核对")
    assert payment.account_number in text(answer)
    assert "no-store" in answer["Cache-Control"]
    entry = AuditEntry.objects.get(action="payment.reveal_account")
    assert entry.detail["reason"] == "银行来电核对"
    assert payment.account_number not in str(entry.detail)
    assert payment.account_number not in text(desk.get(f"/admin/batches/{batch.pk}/"))


def test_an_open_batch_shows_no_whole_account(batch_in, desk):
    batch, _ = batch_in("open", 1)
    payment = batch.payments.get()
    answer = do(desk, batch, "reveal", payment=payment.pk, reason="看看")
    assert answer.status_code == 409
    assert "62000000" not in text(answer)


def test_papers_are_downloaded_and_each_download_is_on_record(batch_in, auditor):
    batch, claims = batch_in("released")
    for document in Document.objects.all():
        answer = auditor.get(f"/admin/batches/{batch.pk}/papers/{document.pk}/")
        assert answer.status_code == 200
        assert "attachment" in answer["Content-Disposition"]
    archive = zipfile.ZipFile(io.BytesIO(b"".join(auditor.get(f"/admin/batches/{batch.pk}/letters.zip"))))
    assert archive.testzip() is None
    assert sorted(archive.namelist()) == sorted(f"拨款通知书_{claim.number}.pdf" for claim in claims)
    assert AuditEntry.objects.filter(action="batch.download").count() == Document.objects.count() + 1


def test_an_export_while_another_runs_says_so_and_makes_no_second_job(batch_in, desk):
    batch, _ = batch_in("signed", 1)
    do(desk, batch, "export")
    page = desk.post(f"/admin/batches/{batch.pk}/do/export/", follow=True)
    assert "不会重复生成" in text(page)
    assert Job.objects.count() == 1


def test_progress_is_found_again_and_the_piece_stops_asking_when_done(batch_in, desk):
    batch, _ = batch_in("signed", 1)
    do(desk, batch, "export")
    Job.objects.update(
        state="running", done=1, total=3, message="正在生成", lease="0" * 32, lease_until="2100-01-01T00:00Z"
    )
    for path in ("", "papers/"):
        piece = text(desk.get(f"/admin/batches/{batch.pk}/{path}"))
        assert 'hx-trigger="every 2s"' in piece
        assert 'max="3" value="1"' in piece
    Job.objects.update(state="waiting", lease=None, lease_until=None)
    run(latest_job())
    answer = desk.get(f"/admin/batches/{batch.pk}/papers/")
    assert answer["HX-Refresh"] == "true"
    assert "hx-trigger" not in text(answer)


def test_a_dead_job_says_what_happened_and_is_asked_for_again(batch_in, desk):
    batch, _ = batch_in("signed", 1)
    do(desk, batch, "export")
    Job.objects.update(state="dead", attempts=5, error="OSError('disk full')")
    page = text(desk.get(f"/admin/batches/{batch.pk}/"))
    assert all(word in page for word in ("生成失败，已停止", "重新生成", "disk full"))
    assert do(desk, batch, "export").status_code == 302
    run(latest_job())
    assert desk.get(f"/admin/batches/{batch.pk}/").context["complete"]


def test_an_answer_needs_its_date_reference_and_reason(batch_in, desk):
    batch, _ = batch_in("released", 1)
    payment, today = batch.payments.get(), settings.CLOCK.today()
    for data, word in (
        ({"answer": "pay", "reference": "", "answered_on": today}, "请填写银行流水号"),
        ({"answer": "pay", "reference": "Y1", "answered_on": "2999-01-01"}, "不能晚于今天"),
        ({"answer": "pay", "reference": "Y1", "answered_on": "2001-01-01"}, "不能早于"),
        ({"answer": "fail", "reference": "Y1", "answered_on": today}, "退票原因"),
        ({"answer": "maybe", "reference": "Y1", "answered_on": today}, "maybe"),
    ):
        answer = do(desk, batch, "answer", payment=payment.pk, seen_state="sent", **data)
        assert answer.status_code == 409
        assert word in text(answer)
    said = {"answer": "lose", "reference": "", "answered_on": today}
    assert do(desk, batch, "answer", payment=payment.pk, seen_state="sent", **said).status_code == 302
    payment.refresh_from_db()
    assert payment.state == "unknown"


def test_the_running_total_is_told_in_figures_and_words(payable, office, desk):
    call, claims = payable(2)
    batch = disbursement.open_batch(call, approval_reference="1", actor=office.preparer)
    answer = text(desk.post(f"/admin/batches/{batch.pk}/total/", {"pick": pick(claims)}))
    assert all(word in answer for word in ("63,600.00", "陆万叁仟陆佰元整", "2 笔"))


def test_filters_narrow_what_all_adds(payable, office, desk):
    call, claims = payable(2)
    batch = disbursement.open_batch(call, approval_reference="1", actor=office.preparer)
    path = f"/admin/batches/{batch.pk}/?q={claims[0].number}"
    page = desk.get(path)
    assert page.context["pick_sums"]["count"] == 1
    do(desk, batch, "add", query=f"?q={claims[0].number}", all=page.context["pick_stamp"])
    assert batch.payments.get().claim == claims[0]
    assert desk.get(f"/admin/batches/{batch.pk}/?district=梁溪区").context["pick_sums"]["count"] == 0


def test_opening_a_batch_keeps_what_was_typed_when_refused(payable, desk):
    call, _ = payable(1)
    answer = desk.post("/admin/batches/open/", {"call": "999", "approval_reference": "批复甲"})
    assert answer.status_code == 409
    assert "批复甲" in text(answer)
    assert not Batch.objects.exists()


def queries(client, path):
    client.get(path)
    with CaptureQueriesContext(connection) as caught:
        assert client.get(path).status_code == 200
    return len(caught)


@pytest.mark.parametrize("state", ["open", "frozen"])
def test_a_batch_asks_as_often_for_many_payments_as_for_one(state, payable, office, desk):
    call, claims = payable(12)
    counts = []
    for chosen in (claims[:1], claims[1:10]):
        batch = disbursement.open_batch(call, approval_reference="1", actor=office.preparer)
        disbursement.add_claims(batch, chosen, actor=office.preparer)
        if state == "frozen":
            disbursement.freeze(batch, actor=office.preparer)
        counts.append(queries(desk, f"/admin/batches/{batch.pk}/"))
    assert counts[0] == counts[1]


def test_the_list_of_batches_asks_as_often_for_many_as_for_one(payable, office, desk):
    call, _ = payable(1)
    disbursement.open_batch(call, approval_reference="1", actor=office.preparer)
    one = queries(desk, "/admin/batches/")
    for number in range(49):
        disbursement.open_batch(call, approval_reference=str(number), actor=office.preparer)
    assert queries(desk, "/admin/batches/") == one

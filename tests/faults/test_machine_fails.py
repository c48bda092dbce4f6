"""The disk is full, the clock jumps, somebody tampers, and a copy is taken in the middle of the work.
(F19, F20, F25, F26)"""

import datetime as dt
import io
import json
import resource
import signal
import threading

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError, connection, connections, transaction

from tests import factories
from tests.faults import processes
from tests.faults.celery_worker import wait_until
from tests.faults.holding import assert_books_hold
from tests.faults.private_postgres import django_uses
from vouchers.claims import services as claims
from vouchers.claims.papers import Attachment
from vouchers.disbursement import services as disbursement
from vouchers.disbursement.books_check import CHECK
from vouchers.documents.models import Document
from vouchers.documents.services import file_document
from vouchers.documents.storage import load
from vouchers.jobs import services as jobs
from vouchers.ledger import services as ledger
from vouchers.ledger.models import Transfer
from vouchers.review.services import fire


def checked():
    """What `check_books` prints, and its exit status."""
    out = io.StringIO()
    try:
        call_command("check_books", stdout=out)
    except SystemExit as end:
        return json.loads(out.getvalue()), end.code
    return json.loads(out.getvalue()), 0


def paid_claim():
    """A claim that went the whole way to the bank's answer, with a word in place of every printed page; its firm."""
    office, call = factories.office(), factories.call()
    firm = factories.firm(1, call, reviewer=office.reviewer)
    claim = factories.drive(factories.ready(firm, factories.product(), 1), "payable", firm, office)
    batch = disbursement.open_batch(call, approval_reference="批复 1 号", actor=office.preparer)
    (payment,) = disbursement.add_claims(batch, [claim], actor=office.preparer)
    batch = disbursement.freeze(batch, actor=office.preparer)
    batch = disbursement.sign(batch, actor=office.signer, seen_digest=batch.digest)
    subjects = {
        disbursement.LETTER: f"{batch.papers_subject}:claim:{claim.pk}",
        disbursement.ROSTER: batch.papers_subject,
    }
    for kind, subject in subjects.items():
        file_document(kind=kind, subject=subject, title="t", file_name="t.pdf", short_code=kind[:12], content=b"%PDF")
    disbursement.release(batch, actor=office.preparer)
    today = settings.CLOCK.today()
    disbursement.record_answer(payment, "pay", reference="Y1", answered_on=today, actor=office.preparer)
    claim.refresh_from_db()
    assert claim.state == "paid"
    return claim, firm


@pytest.mark.django_db(transaction=True)
def test_f19_a_full_disk_leaves_no_row_that_points_to_a_short_file(tmp_path):
    firm = factories.firm(1, factories.call(), reviewer=factories.officer("shenhe", "reviewer"))
    claim = factories.draft(firm)
    content = b"%PDF-1.7 " + b"x" * 200_000

    def with_a_full_disk(work):
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
        with pytest.raises(OSError, match="File too large"):
            work()

    def upload():
        claims.upload(claim, kind="contract", name="合同.pdf", content=content, user=firm.clerk)

    def print_it():
        file_document(kind="letter", subject="x", title="x", file_name="x.pdf", short_code="ABC", content=content)

    for work in (upload, print_it):
        assert processes.run(lambda w=work: with_a_full_disk(w)) == 0
    assert (Attachment.objects.count(), Document.objects.count()) == (0, 0)
    upload()
    print_it()
    document = Document.objects.get()
    assert load(document.stored_name, document.sha256) == content
    assert_books_hold()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("days", [1, -1])
def test_f20_a_jump_of_the_clock_moves_neither_leases_nor_the_order_of_the_chain(days):
    firm = factories.firm(1, factories.call(), reviewer=factories.officer("shenhe", "reviewer"))
    product = factories.product()
    factories.submitted(firm, product, 1)
    job, seen = jobs.request(CHECK, "books"), []

    def work(subject, progress):
        settings.CLOCK.move_to(settings.CLOCK.now() + dt.timedelta(days=days))
        seen.append(list(jobs.runnable()))  # nobody else may take it over
        progress.report(1, 1, "")

    assert jobs.run(job.pk, {CHECK: work})
    assert seen == [[]]
    factories.submitted(firm, product, 2)
    with connections["default"].cursor() as cursor:
        cursor.execute(
            "SELECT e.at, e.recorded_at FROM audit_chainlink l JOIN audit_auditentry e ON e.id = l.entry_id ORDER BY seq"
        )
        said, recorded = zip(*cursor.fetchall(), strict=True)
    assert (max(said) - min(said)) > dt.timedelta(hours=23)
    assert (max(recorded) - min(recorded)) < dt.timedelta(hours=1)
    assert (sorted(said) == list(said)) == (days > 0)
    assert_books_hold()


TAMPERING = {
    "an entry edited": (
        "UPDATE audit_auditentry SET actor = 'x' WHERE id = (SELECT entry_id FROM audit_chainlink WHERE seq = 7)",
        "第 7 号记录的内容",
    ),
    "an entry deleted": (
        "DELETE FROM audit_auditentry WHERE id = (SELECT entry_id FROM audit_chainlink WHERE seq = 7)",
        "第 7 号记录缺失",
    ),
    "a link deleted": ("DELETE FROM audit_chainlink WHERE seq = 7", "第 7 号记录缺失"),
    "everything truncated": ("TRUNCATE audit_auditentry CASCADE", "第 1 号记录缺失"),
    "the links truncated": ("TRUNCATE audit_chainlink", "没有编入审计链"),
    "a balance raised": ("UPDATE ledger_account SET balance_fen = balance_fen + 1 WHERE key LIKE 'paid:%'", "的余额为"),
    "a transfer deleted": ("DELETE FROM ledger_transfer WHERE kind = 'pay'", "与审计链中的记录不符"),
    "the transfers truncated": ("TRUNCATE ledger_transfer", "按转账记录应为 0 分"),
    "a decision raised": (
        "UPDATE vouchers_decision SET computed_fen = computed_fen + 1, granted_fen = granted_fen + 1",
        "登记的金额与冻结的结论不一致",
    ),
    "a payee changed": ("UPDATE vouchers_payment SET payee_name = '别人'", "批次"),
}


def test_f25_what_a_superuser_does_behind_every_trigger_is_named(town):
    paid_claim()
    assert checked()[1] == 0
    with django_uses(town.folder, town.database, USER="postgres"):
        for what, (sql, named) in TAMPERING.items():
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SET LOCAL session_replication_role = replica")
                cursor.execute(sql)
                cursor.execute("SET LOCAL session_replication_role = origin")
                found, code = checked()
                transaction.set_rollback(True)
            assert (code, found["ok"]) == (1, False), what
            assert any(named in problem for problem in found["problems"]), (what, found["problems"])
            if "第" in named:  # the first bad number is the first that is named
                assert named in next(problem for problem in found["problems"] if problem.startswith("审计链"))
    assert checked()[1] == 0


def test_f26_a_copy_taken_under_load_is_whole_and_the_portal_goes_on_from_it(town, tmp_path):
    claim, firm = paid_claim()
    acknowledged, stop = [], threading.Event()

    def goes_on():
        number = 0
        while not stop.is_set():
            number += 1
            with transaction.atomic():
                ledger.hold(number, "compute_voucher", 2025, f"f{number}", 1, 100, event=f"load{number}",
                            actor="load", at=settings.CLOCK.now())  # fmt: skip
            acknowledged.append(f"hold:load{number}")
        connections.close_all()

    load_thread = threading.Thread(target=goes_on)
    load_thread.start()
    try:
        wait_until(lambda: len(acknowledged) > 20, 30)
        before = set(acknowledged)
        town.dump(town.database, tmp_path / "copy")
        wait_until(lambda: len(acknowledged) > len(before) + 5, 30)
    finally:
        stop.set()
        load_thread.join()
    assert_books_hold(ledger_alone=True)
    town.restore(tmp_path / "copy", "restored")
    with django_uses(town.folder, "restored"):
        there = set(Transfer.objects.filter(actor="load").values_list("key", flat=True))
        assert before <= there
        assert_books_hold(ledger_alone=True)
        claim.refresh_from_db()
        assert claim.state == "paid"
        # The copy has every wall, and takes the next claim.
        with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
            Transfer.objects.all().delete()
        following = factories.ready(firm, factories.product(), 2)
        fire(following, "submit", actor=firm.actor)
        assert_books_hold(ledger_alone=True)
    town.sql("DROP DATABASE restored WITH (FORCE)")

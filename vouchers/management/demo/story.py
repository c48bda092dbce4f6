"""The main job, once, through the real services: invoices → law → money held → three people → batch → PDFs → books."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable
from fractions import Fraction

from django.conf import settings
from django.utils import timezone

from accounts.errors import Refused
from applicants.models import Organisation
from vouchers.calls.models import Call
from vouchers.claims import services as claims
from vouchers.claims.models import Claim
from vouchers.claims.papers import Invoice
from vouchers.disbursement import services as disbursement
from vouchers.disbursement.audit_batches import check_batches
from vouchers.disbursement.models import Batch
from vouchers.documents.models import Document
from vouchers.documents.storage import path_of
from vouchers.invoices.verifier import Double
from vouchers.jobs.models import Job
from vouchers.ledger import books
from vouchers.ledger.selectors import held_fen, paid_fen, pool_available_fen, sums_by_kind
from vouchers.management.demo import cast, papers
from vouchers.money import grouped, parse_yuan, portion, yuan
from vouchers.review import verifying
from vouchers.review.deadlines import pass_deadlines
from vouchers.review.replay import check_review
from vouchers.review.services import Actor, fire, fire_voucher
from vouchers.tasks import nudge
from vouchers.workflow import IllegalTransition

# The story begins this many days ago and ends now: publicity lasts five working days.
DAYS_AGO = 14
# How long the worker may take to print everything.
EXPORT_SECONDS = 120


class StoryFailed(Exception):
    """A step or the books went wrong."""


class Story:
    """Tells and does the main job. `say` gets one line a step."""

    def __init__(self, say: Callable[[str], None]):
        self.say = say
        self.people = cast.officers()
        self.call: Call = cast.calls()[2025]
        self.products = cast.products()
        self.run = Organisation.objects.count() // len(cast.DATA["firms"]) + 1

    def tell(self) -> None:
        """Do it all. Raises `StoryFailed`, or whatever a step raised."""
        now = timezone.now()
        settings.CLOCK.move_to(now - dt.timedelta(days=DAYS_AGO))
        try:
            self._ledger("开始时")
            filed = [self._file(number, part) for number, part in enumerate(cast.DATA["firms"])]
            self._refusals(filed[0])
            self._ledger("提交后（资金已占用）")
            for claim in filed:
                self._decide(claim)
            self._publicise(filed)
            batch = self._disburse(filed)
        finally:
            settings.CLOCK.reset()
        self._ledger("拨付后")
        self._documents(batch)
        self._check_books()

    def by(self, username: str) -> Actor:
        return Actor(self.people[username])

    def _file(self, index: int, part: dict) -> Claim:
        """One firm registers, gets its voucher, fills in its claim with real files, and submits it."""
        suffix = "" if self.run == 1 else f"（演示{self.run}）"
        firm, claim = self.fill(self.run * 100 + index, {**part, "name": part["name"] + suffix})
        claims.sign_declaration(claim, user=firm.clerk)
        fire(claim, "submit", actor=Actor(firm.clerk))
        claim.refresh_from_db()
        self.say(
            f"[申报] {firm.clerk.name} 为 {firm.name} 提交 {claim.number}：第 {claim.queue_number} 位，"
            f"测算 {grouped(claim.computed_fen)} 元，核定 {grouped(claim.granted_fen)} 元，"
            f"占用 {grouped(held_fen(claim.pk))} 元"
        )
        return claim

    def fill(self, number: int, part: dict) -> tuple[cast.Enterprise, Claim]:
        """A firm with its issued voucher, and a draft of its claim with every paper but the declaration."""
        firm = cast.enterprise(number, part["name"], part["category"], part["district"])
        voucher = claims.apply_for_voucher(firm.organisation, self.call, purpose="模型训练与推理", user=firm.clerk)
        fire_voucher(voucher, "issue", actor=self.by("shenhe"))
        voucher.refresh_from_db()
        claim = claims.open_claim(voucher, user=firm.clerk)
        for line, (product, amount) in enumerate(part["lines"]):
            self._enter(claim, firm, f"{number}{line}", product, parse_yuan(amount), Fraction(part["paid"]))
        for kind, title in (("contract", "算力服务合同"), ("usage", "用量清单")):
            paper = papers.proof_pdf(title, [f"甲方：{firm.name}", "服务期：2025 年 1 月至 12 月", "（演示材料）"])
            claims.upload(claim, kind=kind, name=f"{title}.pdf", content=paper, user=firm.clerk)
        return firm, claim

    def _enter(
        self, claim: Claim, firm: cast.Enterprise, key: str, product: str, amount_fen: int, paid_share: Fraction
    ) -> None:
        """One invoice file with one line, its payment and bank receipt."""
        sold = self.products[product]
        item = papers.Item(cast.DATA["items"][product], "卡时", "1", yuan(amount_fen), amount_fen)
        content = papers.invoice_xml(
            f"2532{int(key):016d}",
            dt.date(2025, 6, 10),
            papers.Party(sold.provider.uscc, sold.provider.name),
            papers.Party(firm.organisation.uscc, firm.name),
            [item],
        )
        invoice = claims.add_invoice_file(claim, name=f"数电票_{key}.xml", content=content, user=firm.clerk)
        paid = portion(invoice.total_fen, paid_share)
        text = [f"付款人：{firm.name}", f"收款人：{sold.provider.name}", f"金额：{grouped(paid)} 元", "（演示材料）"]
        receipt = claims.upload(
            claim,
            kind="receipt",
            name=f"银行回单_{key}.pdf",
            content=papers.proof_pdf("银行电子回单", text),
            user=firm.clerk,
        )
        payment = claims.record_payment(
            claim,
            serial_number=f"LS{key}",
            paid_on=dt.date(2025, 6, 20),
            payer_name=firm.name,
            payee_name=sold.provider.name,
            amount_fen=paid,
            attachment=receipt,
            user=firm.clerk,
        )
        claims.allocate(claim, payment, invoice, paid, user=firm.clerk)
        claims.declare_line(claim, invoice.lines.get(), sold, user=firm.clerk)
        self.say(
            f"[识读] {invoice.kind} {invoice.number}：价税合计 {grouped(invoice.total_fen)} 元，实付 {grouped(paid)} 元"
        )

    def _refusals(self, claim: Claim) -> None:
        """What must not work, does not: twice submitted, accepted or approved by the wrong person."""
        clerk = Actor(claim.declared_by)
        self._must_fail("重复提交", lambda: fire(claim, "submit", actor=clerk))
        self._must_fail("企业自行受理", lambda: fire(claim, "accept", actor=clerk))
        self._must_fail("审批人员代为受理", lambda: fire(claim, "accept", actor=self.by("shenpi")))

    def _must_fail(self, what: str, attempt: Callable[[], object]) -> None:
        try:
            attempt()
        except (Refused, IllegalTransition) as refusal:
            self.say(f"[拦截] {what}：{refusal}")
        else:
            raise StoryFailed(f"{what} 没有被拦截")

    def _decide(self, claim: Claim) -> None:
        """Accepted and reviewed by one, approved by another, and by a third above the call's amount."""
        fire(claim, "accept", actor=self.by("shenhe"))
        fire(claim, "review", actor=self.by("shenhe"))
        fire(claim, "approve", actor=self.by("shenpi"))
        claim.refresh_from_db()
        people = "审核 沈荷、审批 施丕"
        if claim.state == "approved_once":
            self._must_fail("同一人二次审批", lambda: fire(claim, "approve", actor=self.by("shenpi")))
            fire(claim, "approve", actor=self.by("fushen"))
            people += "、二次审批 傅申"
        claim.refresh_from_db()
        self.say(f"[审批] {claim.number} {claim.get_state_display()}：{grouped(claim.granted_fen)} 元（{people}）")

    def _publicise(self, filed: list[Claim]) -> None:
        """Publicity opens, the clock moves past it, and the calendar clears every claim."""
        for claim in filed:
            fire(claim, "publicise", actor=self.by("shenhe"))
            claim.refresh_from_db()
        until = max(claim.publicised_until for claim in filed if claim.publicised_until)
        self.say(f"[公示] {len(filed)} 件申请公示至 {until}")
        settings.CLOCK.move_to(
            dt.datetime.combine(until + dt.timedelta(days=1), dt.time(9), timezone.get_current_timezone())
        )
        pass_deadlines()
        for claim in filed:
            claim.refresh_from_db()
            if claim.state != "payable":
                raise StoryFailed(f"{claim.number} 公示期满后仍为 {claim.get_state_display()}")
        self.say(f"[公示] 时钟走到 {settings.CLOCK.today()}，公示期满无异议，转为待拨付")

    def _disburse(self, filed: list[Claim]) -> Batch:
        """A batch by one finance officer, signed by another, printed by the worker, released and answered."""
        maker, signer = self.by("caiwu"), self.by("fuhe")
        batch = disbursement.open_batch(self.call, approval_reference="锡财工贸〔2026〕演示第 88 号", actor=maker)
        disbursement.add_claims(batch, filed, actor=maker)
        self._must_fail("发票未经税务查验就封存", lambda: disbursement.freeze(batch, actor=maker))
        self._verify(filed, maker)
        batch = disbursement.freeze(batch, actor=maker)
        self.say(f"[拨付] 蔡武 编制并封存批次 {batch.number}，校验值 {batch.digest[:16]}…")
        self._must_fail("编制人自行签批", lambda: disbursement.sign(batch, actor=maker, seen_digest=batch.digest))
        batch = disbursement.sign(batch, actor=signer, seen_digest=batch.digest)
        self.say(f"[拨付] 伏禾 签批批次 {batch.number}")
        job = disbursement.start_export(batch, actor=signer)
        nudge(job)
        self._await_export(job)
        batch = disbursement.release(batch, actor=maker)
        for payment in batch.payments.all():
            disbursement.record_answer(
                payment, "pay", reference=f"YH{payment.pk:08d}", answered_on=settings.CLOCK.today(), actor=maker
            )
        batch = disbursement.reconcile(batch, actor=maker)
        paid = sum(paid_fen(claim.pk) for claim in filed)
        self.say(f"[拨付] 批次 {batch.number} 已发送银行并对账，到账 {grouped(paid)} 元")
        return batch

    def _verify(self, filed: list[Claim], officer: Actor) -> None:
        """Ask about every invoice anew before money leaves; here a double stands in for the tax platform."""
        asked = Invoice.objects.filter(allocations__claim__in=filed).distinct().order_by("pk")
        answers = [verifying.ask(invoice, Double(), actor=officer) for invoice in asked]
        told = {answer.get_status_display() for answer in answers}
        self.say(f"[查验] 批准后重新查验 {len(answers)} 张发票（本地替身）：{'、'.join(sorted(told))}")

    def _await_export(self, job: Job) -> None:
        """The worker prints; this only watches the job's progress."""
        until, seen = time.monotonic() + EXPORT_SECONDS, ""
        while time.monotonic() < until:
            job.refresh_from_db()
            line = f"{job.get_state_display()} {job.done}/{job.total} {job.message}"
            if line != seen:
                self.say(f"[任务] 生成拨付文书：{line}")
                seen = line
            if job.state == "done":
                return
            if job.state == "dead":
                raise StoryFailed(f"生成拨付文书失败：{job.error}")
            time.sleep(0.3)
        raise StoryFailed(f"{EXPORT_SECONDS} 秒内没有生成拨付文书：后台执行进程（worker）是否在运行？{job.error}")

    def _documents(self, batch: Batch) -> None:
        for document in Document.objects.filter(subject__startswith=f"batch:{batch.pk}").order_by("pk"):
            self.say(f"[文书] {document.title}：{path_of(document.stored_name)}（sha256 {document.sha256[:16]}…）")

    def _ledger(self, when: str) -> None:
        pool = pool_available_fen(self.call.scheme, self.call.fiscal_year)
        sums = sums_by_kind()
        self.say(
            f"[账本] {when}：资金池余额 {grouped(pool)} 元，占用 {grouped(sums.get('held', 0))} 元，"
            f"已拨付 {grouped(sums.get('paid', 0))} 元"
        )

    def _check_books(self) -> None:
        report = books.check()
        count, of_review = check_review()
        problems = [*report.problems, *of_review, *check_batches()]
        if problems:
            raise StoryFailed("账目核对发现问题：\n" + "\n".join(problems))
        self.say(
            f"[核对] 账目相符：账户 {report.accounts}、转账 {report.transfers}、结论 {count}、审计链 {report.chain}"
        )

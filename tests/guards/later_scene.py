"""The rest of the bureau's work: corrections, cuts, objections, red letters, doubts, agreements, orders, closed years.

All of it is made through the real services, after `scene.fill` made claims in every state.
"""

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from unittest import mock

from django.conf import settings

from tests import factories
from vouchers import invoices
from vouchers.budget import orders
from vouchers.claims import letters
from vouchers.claims import services as claims
from vouchers.claims.binding import InvoiceInUse
from vouchers.claims.doubts import answer_doubt
from vouchers.claims.models import Voucher
from vouchers.claims.papers import Invoice, InvoiceCopy
from vouchers.claims.receiving import receive_invoice
from vouchers.claims.tranches import open_tranche
from vouchers.disbursement import services as disbursement
from vouchers.disbursement.models import Payment
from vouchers.invoices.verifier import Double
from vouchers.jobs import services as jobs
from vouchers.review import objections, reversals, verifying
from vouchers.review.corrections import answer_item, open_items, return_for_correction
from vouchers.review.cuts import cut_line
from vouchers.review.negotiated import Part, approve_agreement, close_agreement, draft_agreement
from vouchers.review.services import fire, fire_voucher
from vouchers.tasks import HANDLERS

NEGOTIATED, BUILT = "negotiated_compute", "intelligent_construction"
SAID = {"name": "周周", "contact": "13812345678", "text": "该单位与销售方是同一实际控制人。"}
SUBSIDY = 3_180_000


class Later:
    """What happens in one bureau under one call."""

    def __init__(self, office, call, product):
        self.office, self.call, self.product = office, call, product

    def fill(self) -> None:
        """Make everything, in the order in which time goes by."""
        self.corrections_and_cuts()
        self.objections()
        self.red_letters()
        self.a_letter_of_its_own()
        self.an_invoice_nobody_knows()
        self.several_years()
        self.doubts()
        self.waivers()
        self.a_number_in_two_firms()
        self.a_revoked_voucher()
        self.agreements()
        self.orders()
        self.settled_year()
        self.closed_year()

    def firm(self, number):
        """A firm with an issued voucher."""
        return factories.firm(number, self.call, reviewer=self.office.reviewer)

    def claim(self, number, state):
        """A claim in `state`, and its firm."""
        firm = self.firm(number)
        return factories.drive(factories.ready(firm, self.product, number), state, firm, self.office), firm

    def corrections_and_cuts(self) -> None:
        """A claim returned with two items, one of them answered; and one with a line that was cut twice."""
        returned, firm = self.claim(60, "accepted")
        return_for_correction(returned, ["合同缺公章", "用量清单缺日期"], actor=self.office.reviewer)
        returned.refresh_from_db()
        answer_item(open_items(returned)[0], "已重新上传", user=firm.clerk)
        cut, _ = self.claim(61, "accepted")
        for fen in (600_000, 700_000):
            cut_line(cut.lines.get(), fen, reason="含机房托管费", actor=self.office.reviewer)
            cut.refresh_from_db()

    def objections(self) -> None:
        """Objections to three claims: one not looked into yet, one being looked into, one dismissed."""
        for number, verbs in ((62, []), (63, ["investigate"]), (64, ["dismiss"])):
            claim, _ = self.claim(number, "publicised")
            objection = objections.object_to(claim, **SAID)
            for verb in verbs:
                actor = self.office.approver if verb == "dismiss" else self.office.reviewer
                objections.handle(objection, verb, actor=actor, finding="经查无关联。", seen_version=0)

    def red_letters(self) -> None:
        """Letters against claims that were reviewed, payable and paid; a proposal closed, one open; a letter withdrawn."""
        for number, state in ((65, "reviewed"), (66, "payable"), (67, "paid"), (68, "paid"), (69, "approved")):
            claim, _ = self.claim(number, state)
            blue = Invoice.objects.get(allocations__claim=claim)
            half = {"total_fen": blue.total_fen // 2, "tax_fen": blue.tax_fen // 2, "number": f"2599{number:016d}"}
            letter = letters.enter_letter(blue, user=self.office.reviewer.user, **half)
            reversals.sweep()
            if number == 67:
                reversals.close_proposal(claim.clawbacks.get(), "dropped", note="已协商", by=self.office.preparer.user)
            if number == 69:
                letters.withdraw_letter(letter, reason="录错了发票", user=self.office.approver.user)

    def a_letter_of_its_own(self) -> None:
        """A claim whose enterprise itself handed in the red letter against its invoice."""
        claim, firm = self.claim(83, "accepted")
        blue = Invoice.objects.get(allocations__claim=claim)
        read = invoices.read(self.file_of(blue, firm))
        half = {name: -getattr(read, name) // 2 for name in ("amount_fen", "tax_fen", "total_fen")}
        line = replace(read.lines[0], amount_fen=half["amount_fen"], tax_fen=half["tax_fen"])
        letter = replace(read, number=f"2588{83:016d}", red=True, reverses=blue.number, lines=(line,), **half)
        with mock.patch("vouchers.invoices.guard.read", return_value=letter):
            letters.upload_letter(claim, name="红字.xml", content=b"<?xml version='1.0'?><letter/>", user=firm.clerk)

    def an_invoice_nobody_knows(self) -> None:
        """An open batch with a claim whose invoice the tax platform does not know any more."""
        claim, _ = self.claim(84, "payable")
        made = disbursement.open_batch(claim.call, approval_reference="查无此票", actor=self.office.preparer)
        disbursement.add_claims(made, [claim], actor=self.office.preparer)
        invoice = Invoice.objects.get(allocations__claim=claim)
        verifying.ask(invoice, Double({invoice.number: verifying.Status.NOT_FOUND}), actor=self.office.reviewer)

    def several_years(self) -> None:
        """A claim that has all that several years together may have."""
        call = factories.call(version=2, years_cap_fen=SUBSIDY)
        firm = factories.firm(85, call, reviewer=self.office.reviewer)
        factories.submitted(firm, self.product, 85)

    def doubts(self) -> None:
        """A draft whose invoice came in two carriers that differ, explained; and a submitted one like it."""
        for number, submits in ((70, False), (71, True)):
            firm = self.firm(number)
            claim = factories.ready(firm, self.product, number)
            row = Invoice.objects.get(allocations__claim=claim)
            content = self.file_of(row, firm)
            other = replace(invoices.read(content), carrier="ofd", seller_name="另一家公司")
            with mock.patch("vouchers.invoices.guard.read", lambda _, other=other: other):
                receive_invoice(claim, name="发票.ofd", content=b"<?xml version='1.0'?><other/>", user=firm.clerk)
            copy = InvoiceCopy.objects.get(invoice=row)
            answer_doubt(claim, row, f"copy_differs_{copy.pk}", "原件为准", user=firm.clerk)
            if submits:
                fire(claim, "submit", actor=firm.actor)

    def file_of(self, row, firm):
        """Another file of an invoice of `firm`."""
        item = factories.Item("*信息技术服务*智能算力服务费", "卡时", "1", "100000.00", 10_000_000)
        seller = factories.Party(self.product.provider.uscc, self.product.provider.name)
        buyer = factories.Party(firm.organisation.uscc, firm.name)
        return factories.invoice_xml(row.number, row.issued_on, seller, buyer, [item])

    def waivers(self) -> None:
        """A waiver that was agreed to, and one that is asked for."""
        for number, agreed in ((72, True), (73, False)):
            claim, _ = self.claim(number, "accepted")
            invoice = Invoice.objects.get(allocations__claim=claim)
            verifying.record_answer(invoice, verifying.Status.UNAVAILABLE, actor=self.office.reviewer)
            waiver = verifying.ask_waiver(invoice, reason="平台停机，已电话核实", actor=self.office.preparer)
            if agreed:
                verifying.agree_to_waiver(waiver, actor=self.office.approver)

    def a_number_in_two_firms(self) -> None:
        """Two firms claim the same number; the second is refused, and the bureau told."""
        first, second = self.firm(74), self.firm(75)
        ready = [(firm, factories.ready(firm, self.product, 74)) for firm in (first, second)]
        fire(ready[0][1], "submit", actor=first.actor)
        try:
            fire(ready[1][1], "submit", actor=second.actor)
        except InvoiceInUse:
            return
        raise AssertionError("one number was taken twice")

    def a_revoked_voucher(self) -> None:
        """A voucher that was revoked, with the reason."""
        firm = self.firm(76)
        voucher = Voucher.objects.get(organisation=firm.organisation)
        fire_voucher(voucher, "revoke", actor=self.office.approver, reason="提供虚假材料")

    def agreements(self) -> None:
        """A draft, one refused, one that needed two approvers, and one in force with a claim that waits for money."""
        call = factories.call(
            scheme=NEGOTIATED, pool_fen=1, annual_cap_fen=1_000_000_000, local_rate=Decimal("0.60"),
            external_rate=Decimal("0.60"), excludes_related_party=False, excludes_subsidised_elsewhere=False,
        )  # fmt: skip
        firm = self.firm(77)
        self.agreed(firm)
        refused = self.agreed(firm)
        close_agreement(refused, reason="不再实施", seen_version=0, user=self.office.approver.user)
        beyond = {"rate": Fraction(7, 10), "grant_fen": 140_000_000, "exception": "市政府常务会议同意"}
        exception = self.agreed(firm, **beyond)
        for seen, who in enumerate((self.office.approver, self.office.second)):
            approve_agreement(exception, seen_version=seen, user=who.user)
        half = self.agreed(firm, **beyond)
        approve_agreement(half, seen_version=0, user=self.office.approver.user)
        agreement = approve_agreement(self.agreed(firm), seen_version=0, user=self.office.approver.user)
        voucher = claims.apply_for_voucher(firm.organisation, call, purpose="协议", user=firm.clerk)
        fire_voucher(voucher, "issue", actor=self.office.reviewer)
        claim = open_tranche(agreement.tranches.get(position=1), user=firm.clerk)
        factories.add_invoice(claim, firm, self.product, 77)
        fire(factories.complete(claim, firm), "submit", actor=firm.actor)
        claim.refresh_from_db()
        assert claim.waiting
        open_tranche(agreement.tranches.get(position=2), user=firm.clerk)

    def agreed(self, firm, **changes):
        """The draft of an agreement in two tranches."""
        wanted = {"cost_fen": 200_000_000, "rate": Fraction(1, 2), "grant_fen": 100_000_000} | changes
        return draft_agreement(
            firm.organisation, scheme=NEGOTIATED, fiscal_year=2025, title="大模型训练", reference="锡政会纪〔2025〕8 号",
            parts=[Part(50_000_000, "训练完成 50%"), Part(40_000_000, "模型上线")], user=self.office.reviewer.user, **wanted,
        )  # fmt: skip

    def orders(self) -> None:
        """Orders of every kind that moves money at once: prepared, withdrawn, done."""
        year, said = ("compute_voucher", 2025), {"citation": "锡财工贸〔2026〕8号", "actor": self.office.preparer}
        for _ in range(2):
            orders.prepare_top_up(*year, 500, **said)
        orders.withdraw(orders.prepare_top_up(*year, 600, **said), actor=self.office.preparer, reason="文号有误")
        orders.sign(orders.prepare_top_up(*year, 700, **said), actor=self.office.approver)
        orders.sign(orders.prepare_adjust(*year, -100, reason="budget_cut", **said), actor=self.office.approver)
        claim, firm = self.claim(78, "paid")
        cap = {"reason": "cap_change", "organisation": firm.organisation}
        orders.sign(orders.prepare_adjust(*year, -5, **cap, **said), actor=self.office.approver)
        payment = Payment.objects.get(claim=claim)
        orders.sign(orders.prepare_recover(payment, 1_000, **said), actor=self.office.signer)
        orders.prepare_recover(payment, 2_000, **said)

    def settled_year(self) -> None:
        """A pro-rata year: its first window is settled, three claims having shared half of what they asked."""
        until = settings.CLOCK.today() + dt.timedelta(days=20)
        call = factories.call(pool_fen=3 * SUBSIDY // 2, year=2024, shortage="pro_rata", filing_until=until)
        dates = {"paid_on": dt.date(2024, 6, 20), "issued_on": dt.date(2024, 6, 10)}
        for number in (80, 81, 82):
            firm = factories.firm(number, call, reviewer=self.office.reviewer)
            factories.submitted(firm, self.product, number, **dates)
        factories.pass_days(21)
        said = {"citation": "会议纪要〔2026〕1号", "actor": self.office.preparer}
        order = orders.prepare_settlement("compute_voucher", 2024, until, **said)
        orders.sign(order, actor=self.office.approver, seen=order.digest)
        self.carry_out(order)

    def closed_year(self) -> None:
        """A year that nobody used is closed: part goes on to the next, the rest to the treasury. Another is to be."""
        yesterday = settings.CLOCK.today() - dt.timedelta(days=1)
        rates = {"local_rate": Decimal("0.15"), "external_rate": Decimal("0.15")}
        for year in (2024, 2025):
            spend = {"spend_from": dt.date(year, 1, 1), "filing_until": yesterday, "annual_cap_fen": 3_000_000_000}
            factories.call(pool_fen=1_000_000, year=year, scheme=BUILT, **spend, **rates)
        said = {"citation": "年终结账通知", "actor": self.office.preparer}
        order = orders.prepare_close(BUILT, 2024, 400_000, 2025, **said)
        orders.sign(order, actor=self.office.approver)
        self.carry_out(order)
        orders.prepare_close(BUILT, 2025, 400_000, 2026, **said)

    def carry_out(self, order) -> None:
        """Do the long work of a signed order."""
        jobs.run(orders.job_of(order).pk, HANDLERS)
        order.refresh_from_db()
        assert order.state == "done", order.outcome

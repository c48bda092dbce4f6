"""Any history of verbs, replays, refusals and crashes: the ledger agrees with a plain model after every step."""

import inspect
import itertools
import re

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.ledger.books import WHO
from tests.ledger.plain_model import OTHER_CAP, PlainLedger
from vouchers.ledger import books, kinds, services
from vouchers.ledger.errors import KeyClash, LedgerError
from vouchers.ledger.models import Account

CAP_FEN = 100
amounts = st.integers(1, 60)
deltas = st.integers(-40, 40).filter(bool)
claims = st.integers(1, 4)
years = st.sampled_from([2025, 2025, 2025, 2026])
numbers = itertools.count(1)


class Books(RuleBasedStateMachine):
    """The plain model beside the real ledger. Claims 1 and 3 are one applicant's, 2 and 4 another's."""

    outside_fen = 0  # what all histories together took from the treasury

    def __init__(self):
        super().__init__()
        # A scheme of its own, so that histories do not meet; claims are named after it too.
        self.name = f"s{next(numbers)}"
        self.plain = PlainLedger(self.name, CAP_FEN)
        self.done = []
        self.dying = False

    def claim(self, n):
        return f"{self.name}-{n}"

    def firm(self, n):
        return f"{self.name}-a{n % 2}"

    def place(self, n, year=2025):
        return self.claim(n), self.name, year, self.firm(n)

    def event(self):
        return f"{self.name}-{next(numbers)}"

    def attempt(self, expected, verb, *args, **named):
        """Call the verb: it must be refused as the model says, or succeed where that says None.

        `expected` asks the model, and moves in it. Where this one dies, neither has moved in the end.
        """
        before = PlainLedger(self.name, CAP_FEN)
        before.__dict__ = {name: _copied(value) for name, value in self.plain.__dict__.items()}
        refusal, answer = expected(), None
        with transaction.atomic():
            try:
                with transaction.atomic():
                    answer = verb(*args, **named, **WHO)
                refused = None
            except LedgerError as error:
                refused = type(error).__name__
            if self.dying:
                transaction.set_rollback(True)
        assert refused == refusal, (verb.__name__, args, named)
        if self.dying:
            self.plain, self.dying = before, False
        elif answer is not None:
            self.done.append((answer, verb, args, named))

    @initialize(fen=st.integers(50, 250))
    def begin(self, fen):
        self.fund(2025, fen)

    def fund(self, year, fen):
        self.attempt(
            lambda: self.plain.fund(year, fen), services.fund, self.name, year, fen, event=self.event(), citation="文号"
        )

    @rule(year=years, fen=amounts)
    def top_up(self, year, fen):
        self.attempt(
            lambda: self.plain.fund(year, fen), services.top_up, self.name, year, fen, event=self.event(),
            citation="文号",
        )  # fmt: skip

    @rule(n=claims, year=years, fen=amounts)
    def hold(self, n, year, fen, cap_fen=CAP_FEN):
        self.attempt(
            lambda: self.plain.hold(self.claim(n), self.firm(n), year, fen, cap_fen),
            services.hold, *self.place(n, year), fen, cap_fen, event=self.event(), cap_year=2025,
        )  # fmt: skip

    @rule(n=claims, fen=amounts, off=st.integers(-40, 40))
    def hold_under_another_cap(self, n, fen, off):
        self.hold(n=n, year=2025, fen=fen, cap_fen=CAP_FEN + off)

    if hasattr(services, "hold_many"):

        @rule(fens=st.lists(amounts, min_size=1, max_size=4))
        def hold_many(self, fens):
            """Many claims in one movement: all or none."""
            holds = [services.Hold(self.claim(n), self.firm(n), fen, CAP_FEN) for n, fen in enumerate(fens, start=1)]
            self.attempt(
                lambda: self._all_or_none(fens), services.hold_many, holds, self.name, 2025, event=self.event()
            )

    def _all_or_none(self, fens):
        # The caps that are there already are taken as they stand.
        kept = {name: _copied(value) for name, value in self.plain.__dict__.items()}
        for n, fen in enumerate(fens, start=1):
            cap_fen = self.plain.caps.get(self.plain.cap(self.firm(n)), CAP_FEN)
            if refusal := self.plain.hold(self.claim(n), self.firm(n), 2025, fen, cap_fen):
                assert refusal != OTHER_CAP
                self.plain.__dict__ = kept
                return refusal
        return None

    @rule(n=claims, year=years, fen=amounts)
    def release(self, n, year, fen):
        self.attempt(
            lambda: self.plain.release(self.claim(n), self.firm(n), year, fen),
            services.release, *self.place(n, year), fen, event=self.event(), cap_year=2025,
        )  # fmt: skip

    @rule(n=claims, fen=amounts)
    def pay(self, n, fen):
        payment = self.event()
        self.attempt(
            lambda: self.plain.pay(self.claim(n), fen, payment), services.pay, self.claim(n), fen, payment=payment
        )

    @rule(n=claims, fen=st.integers(5, 40))
    def hold_and_pay(self, n, fen):
        """What most claims do, so that histories have something to send back."""
        self.hold(n=n, year=2025, fen=fen)
        if held := self.plain.balance[f"held:{self.claim(n)}"]:
            self.pay(n=n, fen=held)

    @precondition(lambda self: self.plain.left)
    @rule(data=st.data(), fen=amounts, stranger=st.sampled_from([0, 0, 0, 1]))
    def bounce(self, data, fen, stranger):
        payment, n = self.a_payment(data, stranger)
        self.attempt(
            lambda: self.plain.bounce(self.claim(n), fen, payment),
            services.bounce, self.claim(n), fen, payment=payment, event=self.event(),
        )  # fmt: skip

    def a_payment(self, data, stranger=0):
        """A payment, and the number of the claim that says it was its own (some lie)."""
        payment = data.draw(st.sampled_from(sorted(self.plain.left)))
        owner = int(self.plain.left[payment][0].rpartition("-")[2])
        return payment, (owner + stranger - 1) % 4 + 1

    @precondition(lambda self: self.plain.left)
    @rule(data=st.data(), fen=amounts, year=years, to=st.sampled_from(["pool", "treasury"]), restores=st.booleans())
    def recover(self, data, fen, year, to, restores):
        payment, n = self.a_payment(data)
        named = {"payment": payment, "to": to, "restores_cap": restores, "event": self.event(), "cap_year": 2025}
        self.attempt(
            lambda: self.plain.recover(self.claim(n), self.firm(n), year, fen, payment, to=to, room=restores),
            services.recover, *self.place(n, year), fen, **named,
        )  # fmt: skip

    @rule(year=years, fen=amounts)
    def lapse(self, year, fen):
        self.attempt(lambda: self.plain.lapse(year, fen), services.lapse, self.name, year, fen, event=self.event())

    @rule(fen=amounts)
    def carry(self, fen):
        self.attempt(
            lambda: self.plain.carry(2025, 2026, fen), services.carry, self.name, 2025, 2026, fen, event=self.event()
        )

    @rule(year=years, delta=deltas)
    def adjust_a_pool(self, year, delta):
        self.attempt(
            lambda: self.plain.adjust_pool(year, delta), services.adjust, kinds.pool(self.name, year), delta,
            reason="budget_cut", note="说明", event=self.event(),
        )  # fmt: skip

    @rule(n=claims, delta=deltas)
    def adjust_a_cap(self, n, delta):
        self.attempt(
            lambda: self.plain.adjust_cap(self.firm(n), delta), services.adjust,
            kinds.cap(self.name, 2025, self.firm(n)), delta, reason="cap_change", note="说明", event=self.event(),
        )  # fmt: skip

    @rule()
    def the_next_one_dies_before_its_commit(self):
        self.dying = True

    @precondition(lambda self: self.done)
    @rule(data=st.data())
    def ask_again(self, data):
        answer, verb, args, named = data.draw(st.sampled_from(self.done))
        again = verb(*args, **named, **WHO)
        assert (again, again.replayed) == (answer, True)

    @precondition(lambda self: self.done)
    @rule(data=st.data())
    def ask_for_something_else_under_the_same_key(self, data):
        _, verb, args, named = data.draw(st.sampled_from(self.done))
        ints = [place for place, value in enumerate(args) if type(value) is int and value < 2_000]
        if not ints:
            return
        at = ints[0]  # the amount: whole caps and years are larger, or come later
        other = [*args[:at], args[at] + (1 if args[at] != -1 else -1), *args[at + 1 :]]
        with pytest.raises(KeyClash), transaction.atomic():
            verb(*other, **named, **WHO)

    @invariant()
    def the_books_agree_with_the_model(self):
        own = {key: fen for key, fen in self.plain.balance.items() if key not in ("treasury", "statute")}
        stored = dict(Account.objects.filter(key__in=own).values_list("key", "balance_fen"))
        assert {key: stored.get(key, 0) for key in own} == own

    def teardown(self):
        outside = sum(Account.objects.filter(key="treasury").values_list("balance_fen", flat=True))
        Books.outside_fen += self.plain.balance["treasury"]
        assert outside == Books.outside_fen


def _copied(value):
    if isinstance(value, dict):
        copy = value.copy()
        for key, inner in copy.items():
            copy[key] = list(inner) if isinstance(inner, list) else inner
        return copy
    return value


def test_the_model_knows_every_verb_of_the_ledger():
    """A function of the ledger that moves money for a cause has a rule above."""
    verbs = {
        name
        for name, function in inspect.getmembers(services, inspect.isfunction)
        if function.__module__ == services.__name__
        and not name.startswith("_")
        and {"event", "payment"} & set(inspect.signature(function).parameters)
    }
    assert verbs == {name for name in re.findall(r"services\.([a-z_]+)", inspect.getsource(Books)) if name in verbs}


@pytest.mark.django_db
def test_any_history_agrees_with_a_plain_model():
    Books.outside_fen = 0
    run_state_machine_as_test(
        Books,
        settings=settings(
            max_examples=25, stateful_step_count=25, deadline=None, database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    assert books.check().problems == []

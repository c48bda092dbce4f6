"""Any history of verbs, replays and refusals: the ledger agrees with a plain model after every step."""

import itertools

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
from vouchers.ledger import books, services
from vouchers.ledger.errors import ExceedsOriginal, InsufficientFunds, KeyClash, LedgerError
from vouchers.ledger.models import Account
from vouchers.ledger.selectors import cap_used_fen

CAP_FEN = 100
amounts = st.integers(1, 60)
claims = st.integers(1, 4)
numbers = itertools.count(1)


class Books(RuleBasedStateMachine):
    """A ledger of dictionaries beside the real one. Claims 1 and 3 are one applicant's, 2 and 4 another's."""

    outside_fen = 0  # what all histories together took from the treasury

    def __init__(self):
        super().__init__()
        # A scheme of its own, so that histories do not meet; claims are named after it too.
        self.name = f"s{next(numbers)}"
        self.pool, self.treasury = 0, 0
        self.held, self.paid, self.used = ({n: 0 for n in range(1, 5)} for _ in range(3))
        self.left_of_payment = {}
        self.done = []

    def claim(self, n):
        return f"{self.name}-{n}"

    def place(self, n):
        return self.claim(n), self.name, 2025, f"{self.name}-a{n % 2}"

    def room(self, n):
        return CAP_FEN - sum(used for other, used in self.used.items() if other % 2 == n % 2)

    def event(self):
        return f"{self.name}-{next(numbers)}"

    def attempt(self, refusal, verb, *args, **named):
        """Call the verb; it must be refused with `refusal`, or succeed when that is None."""
        answer, refused = None, None
        try:
            with transaction.atomic():
                answer = verb(*args, **named, **WHO)
        except LedgerError as error:
            refused = type(error)
        assert refused is refusal
        if answer:
            self.done.append((answer, verb, args, named))
        return answer is not None

    @initialize(fen=st.integers(50, 250))
    def fund(self, fen):
        if self.attempt(None, services.fund, self.name, 2025, fen, event=self.event(), citation="文号"):
            self.pool += fen
            self.treasury -= fen

    @rule(n=claims, fen=amounts)
    def hold(self, n, fen):
        refusal = InsufficientFunds if fen > self.pool or fen > self.room(n) else None
        if self.attempt(refusal, services.hold, *self.place(n), fen, CAP_FEN, event=self.event()):
            self.pool -= fen
            self.held[n] += fen
            self.used[n] += fen

    @rule(n=claims, fen=amounts)
    def release(self, n, fen):
        refusal = InsufficientFunds if fen > self.held[n] else None
        if self.attempt(refusal, services.release, *self.place(n), fen, event=self.event()):
            self.pool += fen
            self.held[n] -= fen
            self.used[n] -= fen

    @rule(n=claims, fen=amounts)
    def pay(self, n, fen):
        payment = self.event()
        refusal = InsufficientFunds if fen > self.held[n] else None
        if self.attempt(refusal, services.pay, self.claim(n), fen, payment=payment):
            self.held[n] -= fen
            self.paid[n] += fen
            self.left_of_payment[payment] = [n, fen]

    def refusal_of_going_back(self, n, payment, fen):
        owner, left = self.left_of_payment[payment]
        if fen > self.paid[n]:
            return InsufficientFunds
        return ExceedsOriginal if owner != n or fen > left else None

    @precondition(lambda self: self.left_of_payment)
    @rule(data=st.data(), fen=amounts, stranger=st.sampled_from([0, 0, 0, 1]))
    def bounce(self, data, fen, stranger):
        payment = data.draw(st.sampled_from(sorted(self.left_of_payment)))
        n = (self.left_of_payment[payment][0] + stranger - 1) % 4 + 1
        refusal = self.refusal_of_going_back(n, payment, fen)
        if self.attempt(refusal, services.bounce, self.claim(n), fen, payment=payment, event=self.event()):
            self.paid[n] -= fen
            self.held[n] += fen
            self.left_of_payment[payment][1] -= fen

    @precondition(lambda self: self.left_of_payment)
    @rule(data=st.data(), fen=amounts, to=st.sampled_from(["pool", "treasury"]), restores=st.booleans())
    def recover(self, data, fen, to, restores):
        payment = data.draw(st.sampled_from(sorted(self.left_of_payment)))
        n = self.left_of_payment[payment][0]
        named = {"payment": payment, "to": to, "restores_cap": restores, "event": self.event()}
        refusal = self.refusal_of_going_back(n, payment, fen)
        if self.attempt(refusal, services.recover, *self.place(n), fen, **named):
            self.paid[n] -= fen
            self.left_of_payment[payment][1] -= fen
            self.used[n] -= fen if restores else 0
            self.pool += fen if to == "pool" else 0
            self.treasury += fen if to == "treasury" else 0

    @rule(fen=amounts)
    def lapse(self, fen):
        refusal = InsufficientFunds if fen > self.pool else None
        if self.attempt(refusal, services.lapse, self.name, 2025, fen, event=self.event()):
            self.pool -= fen
            self.treasury += fen

    @rule(data=st.data())
    def ask_again(self, data):
        answer, verb, args, named = data.draw(st.sampled_from(self.done))
        again = verb(*args, **named, **WHO)
        assert (again, again.replayed) == (answer, True)

    @rule(data=st.data())
    def ask_for_something_else_under_the_same_key(self, data):
        _, verb, args, named = data.draw(st.sampled_from(self.done))
        at = 4 if len(args) > 4 else len(args) - 1
        other = [*args[:at], args[at] + 1, *args[at + 1 :]]
        with pytest.raises(KeyClash), transaction.atomic():
            verb(*other, **named, **WHO)

    @rule(n=claims, fen=amounts)
    def die_half_way(self, n, fen):
        with transaction.atomic():
            try:
                with transaction.atomic():
                    services.hold(*self.place(n), fen, CAP_FEN, event=self.event(), **WHO)
            except InsufficientFunds:
                pass
            transaction.set_rollback(True)

    @invariant()
    def the_books_agree_with_the_model(self):
        expected = {f"pool:{self.name}:2025": self.pool}
        for n in range(1, 5):
            expected[f"held:{self.claim(n)}"] = self.held[n]
            expected[f"paid:{self.claim(n)}"] = self.paid[n]
            expected[f"capused:{self.claim(n)}"] = self.used[n]
        stored = dict(Account.objects.filter(key__in=expected).values_list("key", "balance_fen"))
        assert {key: stored.get(key, 0) for key in expected} == expected
        parity = self.pool % 2
        used = sum(used for n, used in self.used.items() if n % 2 == parity)
        assert cap_used_fen(self.name, 2025, f"{self.name}-a{parity}") == used

    def teardown(self):
        outside = -sum(Account.objects.filter(key="treasury").values_list("balance_fen", flat=True))
        Books.outside_fen += self.treasury
        assert outside == -Books.outside_fen


@pytest.mark.django_db
def test_any_history_agrees_with_a_plain_model():
    Books.outside_fen = 0
    run_state_machine_as_test(
        Books,
        settings=settings(
            max_examples=20, stateful_step_count=20, deadline=None, database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    assert books.check().problems == []

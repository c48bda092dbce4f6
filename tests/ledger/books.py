"""Short words for the ledger's tests: one scheme, one year, one clock."""

import datetime as dt

from vouchers.ledger import kinds, services

SCHEME, YEAR = "compute_voucher", 2025
AT = dt.datetime(2026, 3, 1, 9, 30, tzinfo=dt.UTC)
WHO = {"actor": "finance zhang", "at": AT}
CAP_FEN = 1_000
POOL = kinds.pool(SCHEME, YEAR)


def fund(amount_fen, event="budget:1", **more):
    return services.fund(SCHEME, YEAR, amount_fen, event=event, citation="锡财〔2025〕1号", **(WHO | more))


def hold(claim, amount_fen, applicant=7, event=None, cap_fen=CAP_FEN, year=YEAR, **more):
    event = event or f"event:{claim}"
    return services.hold(claim, SCHEME, year, applicant, amount_fen, cap_fen, event=event, **(WHO | more))


def release(claim, amount_fen, applicant=7, event=None, year=YEAR, **more):
    event = event or f"event:r{claim}"
    return services.release(claim, SCHEME, year, applicant, amount_fen, event=event, **(WHO | more))


def pay(claim, amount_fen, payment="payment:1"):
    return services.pay(claim, amount_fen, payment=payment, **WHO)


def bounce(claim, amount_fen, payment="payment:1", event="event:b"):
    return services.bounce(claim, amount_fen, payment=payment, event=event, **WHO)


def recover(claim, amount_fen, payment="payment:1", event="event:v", to="pool", restores_cap=True, applicant=7):
    return services.recover(
        claim, SCHEME, YEAR, applicant, amount_fen,
        payment=payment, to=to, restores_cap=restores_cap, event=event, **WHO,
    )  # fmt: skip

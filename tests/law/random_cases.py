"""Random cases for the oracle and the properties: mostly sane, with every edge near."""

import random

from .builders import USCC

DAYS = ["2023-12-31", "2024-01-01", "2024-12-31", "2025-01-01", "2025-06-30", "2025-12-31", "2026-01-01"]
EDGES = [0, 1, 2, 3, 6, 7, 33, 99, 100]


def yuan(fen: int) -> str:
    return f"{'-' if fen < 0 else ''}{abs(fen) // 100}.{abs(fen) % 100:02d}"


def fen(rng: random.Random, top: int) -> int:
    return rng.choice([rng.choice(EDGES), rng.randint(0, top), rng.randint(0, 10_000)])


def random_line(rng: random.Random, ref: str) -> dict:
    amount, tax = fen(rng, 500_000_000), fen(rng, 30_000_000)
    paid = rng.choice([amount + tax, rng.randint(0, amount + tax), fen(rng, 600_000_000)])
    usual = rng.random() < 0.7
    return {
        "ref": ref,
        "service": "intelligent" if usual else rng.choice(["intelligent", "general", "super", "other"]),
        "location": rng.choice(["local", "external"]),
        "invoice_date": "2025-03-01" if usual else rng.choice(DAYS),
        "amount": yuan(amount),
        "tax": yuan(tax),
        "paid": yuan(paid),
        "paid_on": "2025-05-31" if usual else rng.choice(DAYS),
        "seller_related": not usual and rng.random() < 0.2,
        "subsidised_elsewhere": not usual and rng.random() < 0.2,
    }


def random_reversal(rng: random.Random, ref: str, line: dict) -> dict:
    def part(key: str) -> str:
        whole = int(line[key].replace(".", ""))
        return yuan(-rng.choice([0, whole, rng.randint(0, whole), fen(rng, whole + 100)]))

    return {"ref": ref, "reverses": line["ref"], "amount": part("amount"), "tax": part("tax"), "paid": part("paid")}


def random_case(rng: random.Random, number: int = 0) -> dict:
    """A valid case of 2025 as `assess` reads it: up to six lines, up to three red letters, in any order."""
    lines = [random_line(rng, f"L{i}") for i in range(rng.randint(0, 6))]
    rows = lines + [random_reversal(rng, f"R{i}", rng.choice(lines)) for i in range(rng.randint(0, 3)) if lines]
    rng.shuffle(rows)
    return {
        "case": f"C{number}",
        "scheme": "compute_voucher",
        "fiscal_year": rng.choice([2025, 2025, 2025, 2024]),
        "applicant": {
            "uscc": USCC,
            "category": rng.choice(
                ["cluster_enterprise", "digital_enterprise", "research_institute", "university"] * 3 + ["other"]
            ),
            "city": "无锡市" if rng.random() < 0.95 else "苏州市",
        },
        "cap_used": yuan(rng.choice([0, fen(rng, 250_000_000), 199_999_999, 200_000_000])),
        "pool_available": yuan(rng.choice([5_000_000_000, fen(rng, 100_000_000)])),
        "lines": rows,
    }

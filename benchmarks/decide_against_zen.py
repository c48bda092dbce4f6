"""How many cases a second does decide() decide, trace included, against zen-engine on the same cases?

    python benchmarks/decide_against_zen.py [cases]

The yardstick is zen-engine 2 (Rust) evaluating the same rules as a decision graph: expressions for the nets and the
sums, a first-hit decision table for each line's reason and rate. One core, one process, the same random cases with
red letters, and both must agree on every amount and reason before anything is timed. zen is given no trace to write
(its own trace option is measured apart), our trace is always written. The whole `assess` path (JSON text in, JSON
text out, validation, credit code) is timed too, beside zen with JSON text in and out.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path

import zen

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from vouchers import policy
from vouchers.management.cases import assess_text, facts_from
from vouchers.rules import Facts, decide, default_terms

REASONS = [
    # in_scope, service, related, elsewhere, in_force, in_year, location → reason, rate in hundredths
    ("false", "", "", "", "", "", "", '"not_in_scope"', "0"),
    ("", '!= "intelligent"', "", "", "", "", "", '"not_intelligent"', "0"),
    ("", "", "true", "", "", "", "", '"related_party"', "0"),
    ("", "", "", "true", "", "", "", '"subsidised_elsewhere"', "0"),
    ("", "", "", "", "false", "", "", '"not_in_force"', "0"),
    ("", "", "", "", "", "false", "", '"other_year"', "0"),
    ("", "", "", "", "", "", '"local"', '""', "30"),
    ("", "", "", "", "", "", '"external"', '""', "15"),
]
INPUTS = ["in_scope", "service", "related", "elsewhere", "in_force", "in_year", "location"]
OUTPUTS = ["reason", "rate"]


def expressions(name: str, pairs: dict[str, str]) -> dict:
    """An expression node that passes everything else through."""
    rows = [{"id": f"{name}-{key}", "key": key, "value": value} for key, value in pairs.items()]
    content = {"expressions": rows, "passThrough": True, "executionMode": "single"}
    return {"id": name, "type": "expressionNode", "name": name, "content": content}


def reason_table() -> dict:
    """The decision table: for every line the first reason that applies, and its rate."""
    columns = [*INPUTS, *OUTPUTS]
    return {
        "id": "reason",
        "type": "decisionTableNode",
        "name": "reason",
        "content": {
            "hitPolicy": "first",
            "inputs": [{"id": name, "name": name, "field": name} for name in INPUTS],
            "outputs": [{"id": name, "name": name, "field": name} for name in OUTPUTS],
            "rules": [{"_id": str(i), **dict(zip(columns, row, strict=True))} for i, row in enumerate(REASONS)],
            "passThrough": True,
            "inputField": "lines",
            "outputPath": "lines",
            "executionMode": "loop",
        },
    }


def graph() -> str:
    """The rules of contracts.md for Wuxi with the default call, as a JSON decision model."""
    categories = '["cluster_enterprise", "digital_enterprise", "research_institute", "university"]'
    window = "date(l.{0}) >= date('2024-01-01') and date(l.{0}) <= date('2025-12-31')"
    net = "sum(map(filter(reds, #.reverses == l.ref), #.{}))"
    lines = (
        "map(lines as l, {ref: l.ref, service: l.service, location: l.location, related: l.related,"
        " elsewhere: l.elsewhere, in_scope: in_scope, in_year: year(d(l.paid_on)) == fiscal_year,"
        f" in_force: {window.format('paid_on')} and {window.format('invoice_date')},"
        f" invoice: l.gross + {net.format('gross')}, net_paid: l.paid + {net.format('paid')}}})"
    )
    base = "max([0, min([l.invoice, l.net_paid])])"
    priced = (
        "map(lines as l, {ref: l.ref, reason: l.reason, rate: l.rate,"
        f" base: l.reason == '' ? {base} : 0, subsidy: l.reason == '' ? floor({base} * l.rate / 100) : 0}})"
    )
    sums = {
        "computed": "sum(map(lines, #.subsidy))",
        "room": "max([0, 200000000 - cap_used])",
        "granted": "min([$.computed, $.room, pool])",
        "binding": "$.granted == $.computed ? 'none' : $.granted == $.room ? 'annual_cap' : 'pool'",
    }
    nodes = [
        {"id": "input", "type": "inputNode", "name": "input", "content": {"schema": ""}},
        expressions("scope", {"in_scope": f"category in {categories} and city == '无锡市'"}),
        expressions("nets", {"lines": lines}),
        reason_table(),
        expressions("prices", {"lines": priced}),
        expressions("sums", sums),
        {"id": "output", "type": "outputNode", "name": "output", "content": {"schema": ""}},
    ]
    ids = [node["id"] for node in nodes]
    edges = [
        {"id": f"{a}-{b}", "sourceId": a, "targetId": b, "type": "edge"} for a, b in zip(ids, ids[1:], strict=False)
    ]
    return json.dumps({"nodes": nodes, "edges": edges})


def random_case(rng: random.Random, number: int) -> dict:
    """A case as `assess` reads it: one to six lines, some red letters, few exclusions, all amounts sane."""

    def yuan(fen: int) -> str:
        return f"{'-' if fen < 0 else ''}{abs(fen) // 100}.{abs(fen) % 100:02d}"

    lines: list[dict] = []
    for i in range(rng.randint(1, 6)):
        amount = rng.randint(0, 200_000_000)
        tax = amount * 6 // 100
        lines.append(
            {
                "ref": f"L{i}",
                "service": rng.choices(["intelligent", "general"], [9, 1])[0],
                "location": rng.choice(["local", "external"]),
                "invoice_date": f"2025-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}",
                "amount": yuan(amount),
                "tax": yuan(tax),
                "paid": yuan(rng.choice([amount + tax, rng.randint(0, amount + tax)])),
                "paid_on": f"{rng.choices([2025, 2024, 2026], [18, 1, 1])[0]}-{rng.randint(1, 12):02d}-15",
                "seller_related": rng.random() < 0.05,
                "subsidised_elsewhere": rng.random() < 0.05,
            }
        )
        if rng.random() < 0.15:
            back = rng.randint(0, amount)
            red = {"amount": yuan(-back), "tax": yuan(-(back * 6 // 100)), "paid": yuan(-rng.randint(0, back))}
            lines.append({"ref": f"R{i}", "reverses": f"L{i}", **red})
    return {
        "case": f"C{number}",
        "scheme": "compute_voucher",
        "fiscal_year": 2025,
        "applicant": {
            "uscc": "91320214MA1XPQ3F0P",
            "category": rng.choices(["cluster_enterprise", "university", "other"], [10, 5, 1])[0],
            "city": "无锡市",
        },
        "cap_used": yuan(rng.choice([0, rng.randint(0, 250_000_000)])),
        "pool_available": yuan(rng.choice([5_000_000_000, rng.randint(0, 100_000_000)])),
        "lines": lines,
    }


def zen_input(facts: Facts) -> dict:
    """The same facts as plain numbers of fen."""
    return {
        "category": facts.applicant.category,
        "city": facts.applicant.city,
        "fiscal_year": facts.fiscal_year,
        "cap_used": facts.cap_used_fen,
        "pool": facts.pool_available_fen,
        "lines": [
            {
                "ref": line.ref,
                "service": line.service,
                "location": line.location,
                "related": line.seller_related,
                "elsewhere": line.subsidised_elsewhere,
                "invoice_date": line.invoice_date.isoformat(),
                "paid_on": line.paid_on.isoformat(),
                "gross": line.amount_fen + line.tax_fen,
                "paid": line.paid_fen,
            }
            for line in facts.lines
        ],
        "reds": [
            {"reverses": red.reverses, "gross": red.amount_fen + red.tax_fen, "paid": red.paid_fen}
            for red in facts.reversals
        ],
    }


def drain(answers: Iterable[object]) -> None:
    """Compute every answer and keep none."""
    deque(answers, maxlen=0)


def rates_of(works: dict[str, Callable[[], object]], count: int, rounds: int = 5) -> dict[str, float]:
    """Cases a second of processor time for each of `works`: the best of `rounds`, taken in turns, so that a machine
    busy with other things slows all of them alike.
    """
    best = dict.fromkeys(works, float("inf"))
    for _ in range(rounds):
        for name, work in works.items():
            start = time.process_time()
            work()
            best[name] = min(best[name], time.process_time() - start)
    return {name: count / seconds for name, seconds in best.items()}


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000
    rng = random.Random(20250701)
    cases = [random_case(rng, number) for number in range(count)]
    text = json.dumps(cases, ensure_ascii=False)
    facts = [facts_from(case) for case in cases]
    law = policy.law_for("compute_voucher", 2025)
    terms = default_terms(law)
    decision = zen.ZenEngine().create_decision(graph())
    inputs = [zen_input(case) for case in facts]

    for case, plain in zip(facts, inputs, strict=True):
        ours, theirs = decide(case, law, terms), decision.evaluate(plain)["result"]
        ordinary = ours.lines[: len(case.lines)]
        assert ours.granted_fen == theirs["granted"], (ours, theirs)
        assert ours.computed_fen == theirs["computed"], (ours, theirs)
        assert ours.binding == theirs["binding"], (ours, theirs)
        assert [(line.base_fen, line.subsidy_fen, line.reason) for line in ordinary] == [
            (line["base"], line["subsidy"], line["reason"]) for line in theirs["lines"]
        ], (ours, theirs)

    lines = sum(len(case.lines) + len(case.reversals) for case in facts)
    print(f"{count} cases of {lines / count:.1f} lines (red letters included); both agree on every one")
    jsons = [json.dumps(plain) for plain in inputs]
    zen_plain, zen_json = "zen-engine", "zen-engine, JSON in and out"
    rates = rates_of(
        {
            zen_plain: lambda: drain(decision.evaluate(plain) for plain in inputs),
            "zen-engine with its own trace": lambda: drain(
                decision.evaluate(plain, {"trace": True}) for plain in inputs
            ),
            "decide(), trace included": lambda: drain(decide(case, law, terms) for case in facts),
            zen_json: lambda: drain(json.dumps(decision.evaluate(json.loads(plain))["result"]) for plain in jsons),
            "assess, the whole path": lambda: assess_text(text),
        },
        count,
    )
    for name, rate in rates.items():
        yardstick = zen_json if name in (zen_json, "assess, the whole path") else zen_plain
        print(f"{name:30}{rate:10,.0f} cases/s {rate / rates[yardstick]:6.2f} × {yardstick}")


if __name__ == "__main__":
    main()

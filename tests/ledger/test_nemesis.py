"""Eight processes with random histories of every verb, and a nemesis that kills them, freezes them and drops their sessions.

What each was told is written down before and after it asks. Afterwards the record is held against the books: what was
acknowledged is there, once and as it was said; what was refused is not; and all that is there, taken in the order of the
audit chain, is a history that the plain model allows step by step. `make nemesis` does this for half an hour.
"""

import json
import os
import random
import signal
import time
from functools import partial
from pathlib import Path

import pytest
from django.db import DatabaseError, connection, connections

from tests.faults import processes
from tests.ledger.books import WHO
from tests.ledger.plain_model import PlainLedger
from tests.plain_books import problems_of_the_books
from vouchers.ledger import books, kinds, services
from vouchers.ledger.errors import Busy, LedgerError
from vouchers.ledger.models import Account, Transfer

pytestmark = pytest.mark.django_db(transaction=True)
SECONDS = float(os.environ.get("NEMESIS_SECONDS", "60"))
PROCESSES, CLAIMS, FIRMS = 8, 12, 4
SCHEME, CAP_FEN = "storm", 3_000
# Half an hour is no longer to read than some minutes: what each process waits between two questions.
PAUSE = max(0.002, SECONDS / 20_000)


def firm(claim):
    return claim % FIRMS


def ask(op):
    """Carry out one written-down operation; its answer."""
    verb, claim, fen, key, year = op["verb"], op["claim"], op["fen"], op["key"], op["year"]
    place = (claim, SCHEME, year, firm(claim))
    calls = {
        "fund": partial(services.fund, SCHEME, year, fen, event=key, citation="文号"),
        "top_up": partial(services.top_up, SCHEME, year, fen, event=key, citation="文号"),
        "hold": partial(services.hold, *place, fen, CAP_FEN, event=key, cap_year=2025),
        "release": partial(services.release, *place, fen, event=key, cap_year=2025),
        "pay": partial(services.pay, claim, fen, payment=key),
        "bounce": partial(services.bounce, claim, fen, payment=op["payment"], event=key),
        "recover": partial(
            services.recover, *place, fen, payment=op["payment"], to=op["to"], restores_cap=op["room"], event=key,
            cap_year=2025,
        ),
        "lapse": partial(services.lapse, SCHEME, year, fen, event=key),
        "carry": partial(services.carry, SCHEME, 2025, 2026, fen, event=key),
        "adjust": partial(
            services.adjust, kinds.pool(SCHEME, year), fen if op["room"] else -fen, reason="entry_error", note="说明",
            event=key,
        ),
    }  # fmt: skip
    return calls[verb](**WHO)


def in_the_model(model, op):
    """The same operation in the plain model; why it is refused, or None."""
    verb, claim, fen, key, year = op["verb"], op["claim"], op["fen"], op["key"], op["year"]
    return {
        "fund": lambda: model.fund(year, fen),
        "top_up": lambda: model.fund(year, fen),
        "hold": lambda: model.hold(claim, firm(claim), year, fen, CAP_FEN),
        "release": lambda: model.release(claim, firm(claim), year, fen),
        "pay": lambda: model.pay(claim, fen, key),
        "bounce": lambda: model.bounce(claim, fen, op["payment"]),
        "recover": lambda: model.recover(
            claim, firm(claim), year, fen, op["payment"], to=op["to"], room=op["room"]
        ),
        "lapse": lambda: model.lapse(year, fen),
        "carry": lambda: model.carry(2025, 2026, fen),
        "adjust": lambda: model.adjust_pool(year, fen if op["room"] else -fen),
    }[verb]()  # fmt: skip


class Client:
    """One process: asks, writes down, asks again where it heard nothing, and now and then repeats itself."""

    def __init__(self, number, record):
        self.name, self.random, self.count = f"c{number}", random.Random(number), 0
        self.file = os.open(record, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self.paid, self.heard = [], []

    def write(self, **line):
        os.write(self.file, (json.dumps(line) + "\n").encode())

    def draw(self):
        verbs = {
            "hold": 30, "pay": 20, "release": 12, "bounce": 8, "recover": 8, "top_up": 5, "adjust": 4, "lapse": 2, "carry": 2,
        }  # fmt: skip
        (verb,) = self.random.choices(list(verbs), list(verbs.values()))
        if verb in ("bounce", "recover") and not self.paid:
            verb = "pay"
        self.count += 1
        op = {
            "verb": verb, "key": f"{self.name}-{self.count}", "claim": self.random.randint(1, CLAIMS),
            "fen": self.random.randint(1, 400), "year": self.random.choice([2025, 2025, 2025, 2026]), "payment": None,
            "to": self.random.choice(["pool", "treasury"]), "room": self.random.random() < 0.5,
        }  # fmt: skip
        if verb in ("bounce", "recover"):
            pay = self.random.choice(self.paid)
            op |= {"payment": pay["key"], "claim": pay["claim"], "fen": self.random.randint(1, pay["fen"])}
        return op

    def step(self):
        if self.heard and self.random.random() < 0.1:
            op, entry = self.random.choice(self.heard)
            self.until_it_answers(op, expects=entry)
            return
        op = self.draw()
        self.write(ask=op)
        self.until_it_answers(op)

    def until_it_answers(self, op, expects=None):
        """Ask until there is a definite answer; write it down."""
        while True:
            try:
                posted = ask(op)
            except Busy:
                time.sleep(0.05)
                continue
            except LedgerError as error:
                self.write(key=op["key"], refused=type(error).__name__, again=expects is not None)
                return
            except DatabaseError:
                connection.close()
                time.sleep(0.02)
                continue
            self.write(key=op["key"], entry=posted.entry_id, expects=expects)
            if expects is None:
                self.heard.append((op, posted.entry_id))
                if op["verb"] == "pay":
                    self.paid.append(op)
            return


def works(number, folder, until):
    client = Client(number, folder / f"{number}.jsonl")
    while time.time() < until:
        client.step()
        time.sleep(client.random.random() * PAUSE * 2)


def nemesis(folder, until):
    """Until then: kill -9, freeze for a while, drop a session. Which and how often, at random; how often each was."""
    chance, number, done = random.Random(), PROCESSES, {"kill": 0, "freeze": 0, "drop": 0}
    pids = [processes.fork(partial(works, n, folder, until)) for n in range(1, PROCESSES + 1)]
    while time.time() < until - 1:
        time.sleep(chance.uniform(0.1, 0.5))
        victim, what = chance.choice(pids), chance.choice(list(done))
        done[what] += 1
        if what == "kill":
            os.kill(victim, signal.SIGKILL)
            assert processes.end_of(victim) == -signal.SIGKILL
            pids.remove(victim)
            number += 1
            pids.append(processes.fork(partial(works, number, folder, until)))
        elif what == "freeze":
            os.kill(victim, signal.SIGSTOP)
            time.sleep(chance.uniform(0.1, 0.4))
            os.kill(victim, signal.SIGCONT)
        else:
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
                    " AND pid <> pg_backend_pid() AND usename = current_user ORDER BY random() LIMIT 2"
                )
    assert [processes.end_of(pid) for pid in pids] == [0] * PROCESSES, "a client ended with an error of its own"
    return done


def read(folder: Path):
    """Everything that was asked, and every answer that was heard."""
    asked, answers = {}, []
    for path in sorted(folder.glob("*.jsonl")):
        for text in path.read_text().splitlines():
            line = json.loads(text)
            if "ask" in line:
                asked[line["ask"]["key"]] = line["ask"]
            else:
                answers.append(line)
    return asked, answers


def test_whatever_dies_what_was_acknowledged_is_there_once_and_the_history_is_lawful(tmp_path):
    first = {
        "verb": "fund",
        "claim": 0,
        "fen": 20_000,
        "key": "first",
        "year": 2025,
        "payment": None,
        "to": "",
        "room": 0,
    }
    ask(first)
    done = nemesis(tmp_path, time.time() + SECONDS)
    connections.close_all()
    asked, answers = read(tmp_path)
    asked["first"] = first
    rows = {
        key.split(":", 1)[1]: (entry, kind, fen)
        for key, entry, kind, fen in Transfer.objects.exclude(key__endswith=":cap")
        .exclude(source="statute")
        .values_list("key", "entry_id", "kind", "amount_fen")
    }

    for answer in answers:
        if "refused" in answer:
            assert answer["key"] not in rows, "refused, and yet done"
            assert not answer["again"], "refused on repetition what was done"
        else:
            op = asked[answer["key"]]
            assert rows[answer["key"]] == (answer["entry"], op["verb"], op["fen"]), (
                "acknowledged, and not there as said"
            )
            assert answer["expects"] in (None, answer["entry"]), "another answer on repetition"
    assert rows.keys() <= asked.keys(), "money that nobody asked for"

    model = PlainLedger(SCHEME, CAP_FEN)
    for key in _in_order(rows):
        assert in_the_model(model, asked[key]) is None, (key, "the chain tells a history that cannot have been")
    stored = dict(Account.objects.values_list("key", "balance_fen"))
    assert {key: fen for key, fen in model.balance.items() if fen} == {key: fen for key, fen in stored.items() if fen}

    assert problems_of_the_books(connection) == []
    assert books.check().problems == []
    heard = {answer["key"] for answer in answers}
    for key in sorted(
        asked.keys() - heard - {"first"}
    ):  # whoever was killed may ask again, and is told what became of it
        try:
            assert ask(asked[key]).replayed == (key in rows)
        except LedgerError:
            assert key not in rows
    assert problems_of_the_books(connection) == []
    assert min(done.values()) > 0
    assert len(answers) > 100
    assert {op["verb"] for op in asked.values() if op["key"] in rows} == {
        "fund", "top_up", "hold", "release", "pay", "bounce", "recover", "lapse", "carry", "adjust",
    }  # fmt: skip


def _in_order(rows):
    """The keys in the order of the audit chain."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT entry_id, seq FROM audit_chainlink")
        places = dict(cursor.fetchall())
    return sorted(rows, key=lambda key: places[rows[key][0]])

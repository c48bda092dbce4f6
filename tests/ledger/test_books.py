"""The check of the books finds, and names, what was done behind the ledger's back."""

import io
import json

import pytest
from django.core.management import call_command
from django.db import connections, transaction

from audit import verify
from audit.chain import begin_chain
from tests.ledger.books import POOL, bounce, fund, hold, pay, recover, release
from vouchers import prepared
from vouchers.ledger import books

pytestmark = pytest.mark.django_db


@pytest.fixture
def attacker(monkeypatch):
    """Honest books in the owner's open transaction, with every trigger and CHECK off: an attacker's hands."""
    owner = connections["owner"]
    for module in (prepared, books, verify):
        monkeypatch.setattr(module, "connection", owner)
    with transaction.atomic(using="owner"), owner.cursor() as cursor:
        begin_chain("owner")
        fund(5_000)
        hold(1, 300)
        hold(2, 200, applicant=8)
        release(2, 50, applicant=8)
        pay(1, 300)
        bounce(1, 100)
        recover(1, 150)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        report = books.check()
        assert report.problems == []
        assert (report.accounts, report.transfers, report.chain) == (10, 13, 7)
        for table in ("ledger_account", "ledger_transfer", "audit_auditentry"):
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        cursor.execute("ALTER TABLE ledger_account DROP CONSTRAINT ledger_account_sign")
        cursor.execute("ALTER TABLE ledger_transfer DROP CONSTRAINT ledger_transfer_amount")
        yield cursor
        transaction.set_rollback(True, using="owner")


def insert(kind, source, target, amount_fen, key, original=None):
    """SQL that adds a transfer and moves its balances, as a careful forger would."""
    quoted = f"'{original}'" if original else "NULL"
    return f"""
    INSERT INTO ledger_account SELECT key, split_part(key, ':', 1), 1, 0 FROM unnest(ARRAY['{source}', '{target}']) AS key
      ON CONFLICT DO NOTHING;
    INSERT INTO ledger_transfer
      (kind, source, target, amount_fen, key, subject, actor, at, reason, note, original, entry_id)
      VALUES ('{kind}', '{source}', '{target}', {amount_fen}, '{key}', 's', 'a', now(), '', '', {quoted}, 1);
    UPDATE ledger_account SET balance_fen = balance_fen - {amount_fen} WHERE key = '{source}';
    UPDATE ledger_account SET balance_fen = balance_fen + {amount_fen} WHERE key = '{target}'"""


CAP = "cap:compute_voucher:2025:7"


@pytest.mark.parametrize(
    ("sql", "sentence"),
    [
        (f"UPDATE ledger_account SET balance_fen = 9999 WHERE key = '{POOL}'", f"“{POOL}”的余额为 9999 分，按转账"),
        (
            f"UPDATE ledger_account SET balance_fen = balance_fen + 5 WHERE key IN ('{POOL}');"
            " UPDATE ledger_account SET balance_fen = balance_fen - 5 WHERE key = 'treasury'",
            "账户“treasury”的余额为 -5005 分",
        ),
        ("UPDATE ledger_account SET balance_fen = balance_fen - 1000 WHERE key = 'held:2'", "其他账户不得为负"),
        ("UPDATE ledger_account SET balance_fen = 1 WHERE key = 'treasury'", "财政和上限规定账户不得为正"),
        ("UPDATE ledger_account SET balance_fen = balance_fen + 1 WHERE key = 'held:2'", "余额合计为 1 分"),
        ("UPDATE ledger_account SET kind = 'treasury' WHERE key = 'held:2'", "类别登记为“treasury”"),
        ("UPDATE ledger_transfer SET amount_fen = amount_fen + 1 WHERE key = 'hold:event:1'", "“held:1”的余额为"),
        ("UPDATE ledger_transfer SET amount_fen = amount_fen + 1 WHERE key = 'hold:event:1'", "“hold:event:1”与审计链"),
        ("UPDATE ledger_transfer SET actor = 'another' WHERE key = 'pay:payment:1'", "“pay:payment:1”与审计链"),
        ("UPDATE ledger_transfer SET at = at - interval '1 day' WHERE key = 'pay:payment:1'", "“pay:payment:1”与审计链"),
        ("UPDATE ledger_transfer SET note = 'x' WHERE key = 'fund:budget:1'", "“fund:budget:1”与审计链"),
        ("UPDATE ledger_transfer SET subject = 'claim:9' WHERE key = 'hold:event:2'", "“hold:event:2”与审计链"),
        ("DELETE FROM ledger_transfer WHERE key = 'pay:payment:1'", "“pay:payment:1”与审计链"),
        ("DELETE FROM ledger_transfer WHERE key = 'pay:payment:1'", "“paid:1”的余额为 50 分，按转账记录应为 -250 分"),
        (insert("release", "held:2", POOL, 20, "release:x"), "“release:x”与审计链"),
        (insert("release", "held:2", POOL, 20, "release:x"), "申请 2 占用和释放的资金净额为 130 分，占用年度上限的净额为 150 分"),
        (insert("hold", CAP, "capused:3", 20, "hold:x"), "申请 3 占用和释放的资金净额为 0 分"),
        (insert("release", "held:2", "pool:compute_voucher:2026", 20, "release:x"), "从“held:2”退回“pool:compute_voucher:2026”共 20 分"),
        (insert("release", "capused:1", "cap:compute_voucher:2025:8", 20, "release:x"), "从“capused:1”退回“cap:compute_voucher:2025:8”"),
        (insert("pay", "held:2", "paid:2", 200, "pay:x"), "申请 2 释放和拨付共 250 分，多于占用和退票共 200 分"),
        (insert("recover", "paid:1", POOL, 51, "recover:x", "pay:payment:1"), "“pay:payment:1”退票和追回共 301 分，多于原拨付的 300 分"),
        (insert("recover", "paid:1", POOL, 1, "recover:x", "hold:event:1"), "拨付“hold:event:1”"),
        (insert("pay", "treasury", "paid:1", 5, "pay:x"), "“pay”不得从“treasury”转到“paid:1”"),
        (insert("pay", "held:2", "paid:2", -5, "pay:x"), "转账“pay:x”：“pay”不得"),
        (insert("hold", "statute", "held:3", 5, "hold:x"), "资金账户合计为 5 分"),
        ("UPDATE audit_auditentry SET detail = '{}' WHERE action = 'ledger.post' AND subject = 'claim:2'", "“hold:event:2”与审计链"),
        ("UPDATE audit_auditentry SET detail = '{}' WHERE action = 'ledger.post' AND subject = 'claim:2'", "审计链：第 3 号"),
        ("DELETE FROM ledger_account WHERE key = 'capused:2'", "“hold:event:2:cap”的账户“capused:2”不存在"),
    ],
)  # fmt: skip
def test_what_was_done_behind_the_ledgers_back_is_found_and_named(attacker, sql, sentence):
    attacker.execute(sql)
    problems = books.check().problems
    assert any(sentence in problem for problem in problems), problems


def test_many_problems_of_one_kind_are_told_up_to_a_limit(attacker, monkeypatch):
    monkeypatch.setattr(books, "MAX_PROBLEMS", 2)
    attacker.execute("UPDATE ledger_account SET balance_fen = balance_fen + 1")
    assert sum("按转账记录" in problem for problem in books.check().problems) == 2


def check_books():
    """What the command prints, and its exit status."""
    out = io.StringIO()
    try:
        call_command("check_books", stdout=out)
    except SystemExit as stopped:
        return json.loads(out.getvalue()), stopped.code
    return json.loads(out.getvalue()), 0


def test_the_command_prints_its_fixed_shape_on_empty_books():
    shape = {"ok": True, "accounts": 0, "transfers": 0, "decisions": 0, "chain": 0, "problems": []}
    assert check_books() == (shape, 0)


@pytest.mark.django_db(transaction=True)
def test_the_command_names_what_is_wrong_and_ends_with_status_1():
    fund(5_000)
    hold(1, 300)
    with connections["owner"].cursor() as cursor:
        cursor.execute("SET ledger.posting = 'on'; UPDATE ledger_account SET balance_fen = 4701 WHERE key = %s", [POOL])
        cursor.execute("RESET ledger.posting")
    found, status = check_books()
    assert (found["ok"], status) == (False, 1)
    assert (found["accounts"], found["transfers"], found["chain"]) == (6, 4, 2)
    assert f"账户“{POOL}”的余额为 4701 分，按转账记录应为 4700 分。" in found["problems"]

"""A program files a claim for its enterprise, and finds no other's."""

import datetime as dt

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from drf_spectacular.generators import SchemaGenerator
from knox.models import AuthToken

from applicants.services import merge_into
from tests import factories
from vouchers.claims.models import Claim
from vouchers.management.demo.papers import Item, Party, invoice_xml

pytestmark = pytest.mark.django_db
BASE = "/api/v1"


class Program:
    """A caller with a token."""

    def __init__(self, user):
        _, token = AuthToken.objects.create(user)
        self.client = Client(headers={"authorization": f"Token {token}"})

    def get(self, path, **query):
        return self.client.get(f"{BASE}{path}", query)

    def post(self, path, data=None, **files):
        if files:
            return self.client.post(f"{BASE}{path}", {**(data or {}), **files})
        return self.client.post(f"{BASE}{path}", data or {}, content_type="application/json")


@pytest.fixture
def program(firm):
    return Program(firm.clerk)


def paper(name, content=b"%PDF-1.7 test"):
    return SimpleUploadedFile(name, content)


def invoice_file(firm, product, number=1):
    item = Item("*信息技术服务*智能算力服务费", "卡时", "1", "1", 10_000_000)
    seller = Party(product.provider.uscc, product.provider.name)
    buyer = Party(firm.organisation.uscc, firm.name)
    return paper("发票.xml", invoice_xml(f"2532{number:016d}", dt.date(2025, 6, 10), seller, buyer, [item]))


def test_a_program_files_a_claim_from_the_first_paper_to_the_submission(program, firm, product):
    voucher = program.get("/vouchers/").json()[0]["serial_number"]
    number = program.post("/claims/", {"voucher": voucher}).json()["number"]
    at = f"/claims/{number}"
    invoice = program.post(f"{at}/invoices/", file=invoice_file(firm, product)).json()
    assert (invoice["total"], invoice["lines"][0]["amount"]) == ("106000.00", "100000.00")
    offered = program.get("/products/", seller=product.provider.uscc).json()
    line = {"invoice_line": invoice["lines"][0]["id"], "product": offered[0]["id"]}
    assert program.post(f"{at}/lines/", line).status_code == 201
    for kind in ("contract", "usage", "receipt"):
        receipt = program.post(f"{at}/attachments/", {"kind": kind}, file=paper(f"{kind}.pdf")).json()
    payment = program.post(
        f"{at}/payments/",
        {
            "serial_number": "S1",
            "paid_on": "2025-06-20",
            "payer_name": firm.name,
            "payee_name": "示范算力1",
            "amount": "106000.00",
            "attachment": receipt["id"],
        },
    ).json()
    match = {"payment": payment["id"], "invoice": invoice["id"], "amount": "106000.00"}
    assert program.post(f"{at}/allocations/", match).json()["amount"] == "106000.00"
    whole = program.get(f"{at}/").json()
    assert whole["preview"]["granted"] == "31800.00"
    assert [missing["code"] for missing in whole["deficiencies"]] == ["no_declaration"]
    refused = program.post(f"{at}/submission/", {"version": 0})
    assert (refused.status_code, refused.json()["deficiencies"][0]["code"]) == (422, "no_declaration")
    assert program.post(f"{at}/declaration/", {"agree": True}).status_code == 200
    done = program.post(f"{at}/submission/", {"version": 0})
    assert (done.status_code, done.json()["state"], done.json()["granted"]) == (200, "submitted", "31800.00")
    again = program.post(f"{at}/submission/", {"version": 0})
    assert (again.status_code, again.json()["code"]) == (409, "conflict")
    assert [step["verb"] for step in program.get(f"{at}/events/").json()] == ["submit"]
    whole = program.get(f"{at}/").json()
    assert (whole["decision"]["granted"], whole["preview"]) == ("31800.00", None)
    gone = program.post(f"{at}/withdrawal/", {"version": 1})
    assert gone.json()["state"] == "withdrawn"


def test_a_program_applies_for_a_voucher_once(office):
    firm = factories.firm(2, factories.call())
    program = Program(firm.clerk)
    call = program.get("/calls/").json()[0]["id"]
    assert program.post("/vouchers/", {"call": call, "purpose": "训练"}).status_code == 201
    again = program.post("/vouchers/", {"call": call, "purpose": "训练"})
    assert (again.status_code, "已经申领过" in again.json()["message"]) == (422, True)


def test_what_another_enterprise_owns_is_not_found_and_not_changed(program, firm, office, product):
    other = factories.join(factories.firm(7, firm.call), firm.call, office.reviewer)
    claim = factories.ready(other, product, 70)
    mine = factories.draft(firm)
    invoice, payment = claim.lines.get().invoice_line.invoice, claim.allocations.get().payment
    line = {"invoice_line": claim.lines.get().invoice_line_id, "product": product.pk}
    match = {"payment": payment.pk, "invoice": invoice.pk, "amount": "1.00"}
    transfer = {
        "serial_number": "X", "paid_on": "2025-06-20", "payer_name": "a", "payee_name": "b", "amount": "1.00",
        "attachment": claim.attachments.first().pk,
    }  # fmt: skip
    theirs = [
        program.get(f"/claims/{claim.number}/"),
        *(program.get(f"/claims/{claim.number}/{part}/") for part in ("events", "attachments", "invoices", "payments")),
        *(program.post(f"/claims/{claim.number}/{part}/", {"version": 0}) for part in ("submission", "withdrawal")),
        program.post(f"/claims/{claim.number}/declaration/", {"agree": True}),
        program.post(f"/claims/{claim.number}/attachments/", {"kind": "other"}, file=paper("x.pdf")),
        program.post(f"/claims/{claim.number}/invoices/", file=invoice_file(firm, product)),
        program.post(f"/claims/{mine.number}/lines/", line),
        program.post(f"/claims/{mine.number}/allocations/", match),
        program.post(f"/claims/{mine.number}/payments/", transfer),
        program.post("/claims/", {"voucher": claim.voucher.serial_number}),
    ]
    assert [answer.status_code for answer in theirs] == [404] * len(theirs)
    claim.refresh_from_db()
    assert (claim.state, claim.version, claim.attachments.count()) == ("draft", 0, 4)
    assert not mine.lines.exists()
    assert not mine.allocations.exists()
    assert Claim.objects.filter(organisation=firm.organisation).count() == 1


def test_without_a_token_it_is_401_and_an_officers_is_refused(office):
    assert Client().get(f"{BASE}/claims/").status_code == 401
    assert Client(headers={"authorization": "Token forged"}).get(f"{BASE}/claims/").status_code == 401
    assert Program(office.reviewer.user).get("/claims/").status_code == 403
    assert Program(factories.user("stranger")).get("/claims/").status_code == 403


def test_wrong_values_are_named_field_by_field(program, firm):
    claim = factories.draft(firm)
    answer = program.post(f"/claims/{claim.number}/payments/", {"serial_number": "", "amount": "一百", "paid_on": "x"})
    assert answer.status_code == 400
    assert {"serial_number", "amount", "paid_on"} <= set(answer.json()["fields"])


def test_a_file_that_is_no_invoice_says_why(program, firm):
    claim = factories.draft(firm)
    answer = program.post(f"/claims/{claim.number}/invoices/", file=paper("发票.xml", b""))
    assert answer.status_code == 422
    assert answer.json()["message"]
    missing = program.post(f"/claims/{claim.number}/invoices/", {"version": 0})
    assert (missing.status_code, "没有收到文件" in missing.json()["message"]) == (422, True)


def test_state_and_amounts_cannot_be_sent_along(program, firm):
    claim = factories.draft(firm)
    program.post("/vouchers/", {"call": firm.call.pk, "purpose": "x", "state": "issued"})
    program.post(f"/claims/{claim.number}/declaration/", {"agree": True, "state": "paid", "granted_fen": 1})
    claim.refresh_from_db()
    assert (claim.state, claim.granted_fen) == ("draft", 0)


def test_tokens_are_made_by_people_shown_once_and_ended(firm, program):
    browser = Client()
    browser.force_login(firm.clerk)
    made = browser.post(f"{BASE}/tokens/")
    assert made.status_code == 201
    token = made.json()["token"]
    caller = Client(headers={"authorization": f"Token {token}"})
    assert caller.get(f"{BASE}/claims/").status_code == 200
    assert caller.post(f"{BASE}/tokens/").status_code == 403
    listed = browser.get(f"{BASE}/tokens/").json()
    assert token not in str(listed)
    key = next(row["token_key"] for row in listed if token.startswith(row["token_key"]))
    assert browser.delete(f"{BASE}/tokens/{key}/").status_code == 204
    assert caller.get(f"{BASE}/claims/").status_code == 401


def test_nobody_ends_another_persons_token(firm, program, office):
    other = factories.join(factories.firm(7, firm.call), firm.call, office.reviewer)
    browser = Client()
    browser.force_login(other.clerk)
    key = AuthToken.objects.get(user=firm.clerk).token_key
    assert browser.delete(f"{BASE}/tokens/{key}/").status_code == 404
    assert AuthToken.objects.filter(user=firm.clerk).count() == 1


def test_whoever_leaves_the_enterprise_has_a_dead_token_at_once(firm, program):
    firm.organisation.memberships.update(until=dt.date(2020, 1, 2))
    assert program.get("/claims/").status_code == 403


def test_what_merged_into_the_enterprise_is_its_own_here_as_in_the_portal(firm, program, product, office):
    gone = factories.firm(2, firm.call, reviewer=office.reviewer)
    theirs = factories.submitted(gone, product, 1)
    assert program.get(f"/claims/{theirs.number}/").status_code == 404
    merge_into(gone.organisation, firm.organisation, on=dt.date(2025, 6, 1))
    assert [each["number"] for each in program.get("/claims/").json()] == [theirs.number]
    assert program.get(f"/claims/{theirs.number}/invoices/").json()
    assert len(program.get("/vouchers/").json()) == 2


def test_a_session_needs_the_csrf_token(firm):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(firm.clerk)
    assert browser.get(f"{BASE}/claims/").status_code == 200
    assert browser.post(f"{BASE}/claims/", {"voucher": "x"}).status_code == 403


def test_lists_ask_as_often_for_fifty_rows_as_for_one(program, firm, product):
    factories.ready(firm, product, 1)

    def asked(path):
        with CaptureQueriesContext(connection) as queries:
            assert program.get(path).status_code == 200
        return len(queries)

    claim = Claim.objects.get()
    paths = ["/claims/", "/vouchers/", "/calls/", *(f"/claims/{claim.number}/{part}" for part in ("", "invoices/"))]
    few = [asked(path) for path in paths]
    for number in range(2, 51):
        factories.draft(firm)
        factories.add_invoice(claim, firm, product, number)
    assert [asked(path) for path in paths] == few


def test_the_description_names_every_endpoint_without_a_warning(program, recwarn):
    schema = SchemaGenerator().get_schema(request=None, public=True)
    assert len(schema["paths"]) == 17
    assert all(operation.get("responses") for path in schema["paths"].values() for operation in path.values())
    assert program.get("/schema/").status_code == 200

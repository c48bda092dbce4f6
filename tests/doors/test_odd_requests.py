"""Requests that no browser of ours sends: answered in words, never by a server error."""

import io
import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from config.sieve import sieved
from tests import factories
from tests.doors.test_walls import signed_in

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("kind", ["text/plain; charset=utf-7", 'multipart/form-data; boundary=B; charset="gbk"'])
def test_another_character_set_is_refused_in_words(client, kind):
    body = b'--B\r\nContent-Disposition: form-data; name="login"\r\n\r\n+2AA-\r\n--B--\r\n'
    for answer in (client.generic("POST", "/accounts/login/", body, kind), client.generic("GET", "/?q=1", b"x", kind)):
        assert answer.status_code == 400
        assert "请求有误，没有办理" in answer.content.decode()
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("said", ["hex", '"rot13"', "utf-7; boundary=B"])
def test_a_codec_that_is_no_character_set_does_not_reach_django(said):
    seen = []
    sieved(lambda environ, start: seen.append(environ["CONTENT_TYPE"]))({"CONTENT_TYPE": f"a/b; charset={said}"}, None)
    assert seen[0].startswith("a/b; charset=unknown")
    kept = {"CONTENT_TYPE": "multipart/form-data; boundary=B; charset=UTF-8", "wsgi.input": io.BytesIO()}
    sieved(lambda environ, start: seen.append(environ["CONTENT_TYPE"]))(kept, None)
    assert seen[1] == "multipart/form-data; boundary=B; charset=UTF-8"


def test_nul_in_a_query_is_left_out_and_in_a_path_is_no_page(client):
    reviewer = signed_in(factories.user("reviewer", "reviewer"))
    for path in ("/admin/queue/?q=a%00b", "/admin/vouchers-queue/?q=%00", "/admin/books/account/?key=%00"):
        assert reviewer.get(path).status_code < 500
    assert client.get("/publicity%00/").status_code == 404
    assert client.get("/verify/?code=%2500").context["code"] == "%00"


def test_nul_in_a_cookie_and_letters_in_a_token_are_no_sign_in(client):
    client.cookies["sessionid"] = "abcdefgh\0xyz"
    assert client.get("/").status_code == 200
    assert client.get("/claims/").status_code == 302
    assert Client(headers={"authorization": "Token \xff"}).get("/api/v1/claims/").status_code == 401


@pytest.mark.parametrize("body", ["[]", "1", '"x"', "null", "{", "[" * 100_000, '{"voucher": "\\ud800"}', "NaN"])
def test_a_body_that_is_no_object_of_texts_is_400_with_words(body):
    member = signed_in(factories.firm(1, factories.call()).clerk)
    answer = member.post("/api/v1/claims/", body, content_type="application/json")
    assert answer.status_code == 400
    assert "JSON" in json.loads(answer.content)["message"]


def test_numbers_of_thousands_of_digits_and_the_last_day_of_the_calendar():
    many = "9" * 5000
    reviewer = signed_in(factories.user("reviewer", "reviewer"))
    answer = reviewer.post("/admin/publicity/", {"objection": many, "seen_version": many, "verb": "dismiss"})
    assert "没有找到要办理的异议" in answer.content.decode()
    assert "没有找到所选" in reviewer.post("/admin/vouchers-queue/", {"pick": many}).content.decode()
    assert reviewer.post("/admin/queue/", {"pick": many, "verb": "accept"}).status_code == 409
    auditor = signed_in(factories.user("auditor", "auditor"))
    assert auditor.get("/admin/trail/?last=9999-12-31").status_code == 200
    assert auditor.get(f"/admin/trail/?before={many}").status_code == 200


def test_a_claim_of_many_payments_and_invoices_sends_more_than_a_thousand_fields():
    firm = factories.firm(1, factories.call(), reviewer=factories.officer("shenhe", "reviewer"))
    claim = factories.draft(firm)
    cells = {f"cell_{payment}_{invoice}": "" for payment in range(40) for invoice in range(30)}
    assert signed_in(firm.clerk).post(f"/claims/{claim.number}/payments/match/", cells).status_code == 409


def test_whoever_is_added_to_another_enterprise_goes_on_acting_for_their_own(client):
    call = factories.call()
    theirs, mine = factories.firm(1, call), factories.firm(2, call)
    factories.add_member(theirs.organisation, mine.clerk, "clerk", since=factories.BEGIN)
    member = signed_in(mine.clerk)
    assert member.get("/enterprise/").context["organisation"].pk == mine.organisation.pk


@pytest.mark.parametrize("back", ["pick", "https://e.example/", "//e.example/", "/\\e.example", ""])
def test_the_way_back_is_a_page_of_ours(back):
    auditor = signed_in(factories.user("auditor", "auditor"))
    assert auditor.post("/admin/books/check/", {"back": back}).url == "/admin/"
    assert auditor.post("/admin/books/check/", {"back": "/admin/books/"}).url == "/admin/books/"


@pytest.mark.parametrize("where", ["//e.example/", "../../../admin/", "https://e.example/"])
def test_an_upload_leads_back_to_its_own_claim(where):
    firm = factories.firm(1, factories.call(), reviewer=factories.officer("shenhe", "reviewer"))
    page = f"/claims/{factories.draft(firm).number}/"
    member = signed_in(firm.clerk)
    for given in (where, page + where):
        file = SimpleUploadedFile("a.pdf", b"%PDF-1.7")
        answer = member.post(f"{page}papers/", {"kind": "other", "next": given, "chosen": file})
        assert answer.url in (f"{page}papers/", page + "https://e.example/", page + "//e.example/")

"""The hostile corpus as a stranger would bring it: uploaded, looked at and downloaded over HTTP on a served portal."""

import hashlib
import re
import resource
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import replace
from itertools import cycle
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

from tests import factories
from tests.doors.test_walls import signed_in
from tests.invoices import make
from vouchers.claims.papers import Attachment, Invoice

pytestmark = pytest.mark.django_db(transaction=True)

SECONDS = 20
# The largest file, several times over: as a request, in the form, as it is kept and as it is answered.
ROOM_KB = 160 * 1024
# Names that climb, run, end a header, turn letters round, or are too long for a file system.
NAMES = (
    "../../../etc/passwd", "..\\..\\windows\\system.ini", "<script>alert(1)</script>.xml", 'a"; filename="b.pdf',
    "=HYPERLINK(1).ofd", "发票\u202efdp.exe", "长" * 85 + ".pdf", "CON", ".htaccess", "a%00.pdf", " ", "{{7*7}}.png",
)  # fmt: skip


ROOT = Path(__file__).resolve().parent.parent.parent
# In a process of its own: what making a bomb takes is not what receiving it takes.
MAKE = """
import pathlib, sys
sys.path.insert(0, sys.argv[1])
from tests.invoices.hostile import CORPUS
for number, made in enumerate(CORPUS.values()):
    (pathlib.Path(sys.argv[2]) / f"{number:03d}").write_bytes(made())
"""


class Visitor:
    """A browser as far as a file is concerned: a signed-in client's cookies and token, and forms with a file in them."""

    def __init__(self, base: str, client: Client):
        client.get("/claims/")
        self.token = client.cookies["csrftoken"].value if "csrftoken" in client.cookies else ""
        cookies = "; ".join(f"{name}={morsel.value}" for name, morsel in client.cookies.items())
        self.base, self.headers = base, {"Cookie": cookies, "Referer": base}

    def ask(self, path: str, body: bytes | None = None, **headers) -> tuple[int, dict, bytes]:
        """Status, headers and body of the answer; redirects are followed."""
        request = urllib.request.Request(self.base + path, body, self.headers | headers)
        try:
            with urllib.request.urlopen(request, timeout=SECONDS) as answer:
                return answer.status, dict(answer.headers), answer.read()
        except urllib.error.HTTPError as refused:
            return refused.code, dict(refused.headers), refused.read()

    def upload(self, path: str, kind: str, name: str, content: bytes) -> tuple[int, dict, bytes]:
        """The upload form with one file, called `name` as raw as a program may write it."""
        edge = b"------edge-of-nothing-else"
        quoted = name.replace('"', "%22").encode()
        fields = {"csrfmiddlewaretoken": self.token, "kind": kind}
        parts = [
            b'Content-Disposition: form-data; name="%s"\r\n\r\n%s' % (k.encode(), v.encode()) for k, v in fields.items()
        ]
        parts.append(
            b'Content-Disposition: form-data; name="chosen"; filename="%s"\r\nContent-Type: text/html\r\n\r\n%s'
            % (quoted, content)
        )
        body = b"".join(b"--" + edge + b"\r\n" + part + b"\r\n" for part in parts) + b"--" + edge + b"--\r\n"
        return self.ask(path, body, **{"Content-Type": f"multipart/form-data; boundary={edge.decode()}"})


def peak_kb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


@pytest.fixture
def visitor(firm, live_server):
    client = Client()
    client.force_login(firm.clerk)
    return Visitor(live_server.url, client)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """The hostile files, on disk."""
    folder = tmp_path_factory.mktemp("corpus")
    subprocess.run([sys.executable, "-c", MAKE, str(ROOT), str(folder)], check=True)
    files = sorted(folder.iterdir())
    assert len(files) >= 60
    return files


def test_every_hostile_file_is_answered_in_words_within_seconds_and_harms_nothing(visitor, firm, corpus):
    claim = factories.draft(firm)
    at = f"/claims/{claim.number}/"
    assert visitor.upload(at + "invoices/", "invoice", "好.ofd", make.ofd(make.Facts()))[0] == 200
    for name, number in (("a", 0), ("b", 1)):  # the guard's children and the drawing are warm
        visitor.upload(at + "papers/", "other", f"{name}.pdf", b"%%PDF-1.7 %d" % number)
    usual, troubles = peak_kb(), []
    for file, name in zip(corpus, cycle(NAMES)):
        content = file.read_bytes()
        for page, kind in (("invoices/", "invoice"), ("papers/", "other")):
            before = time.monotonic()
            status, headers, said = visitor.upload(at + page, kind, name, content)
            took = time.monotonic() - before
            text = said.decode()
            if status >= 500 or took > SECONDS or "text/html" not in headers["Content-Type"]:
                troubles.append((file.name, page, status, round(took, 1)))
            if "<script>alert(1)" in text or "49.png" in text:
                troubles.append((file.name, page, "the name came alive"))
    assert not troubles
    assert peak_kb() - usual < ROOM_KB
    assert visitor.ask(at)[0] == 200

    # What was kept lies under names of our own, in our own folder, and comes out as it went in: to be saved, not shown.
    kept = list(Attachment.objects.all())
    assert kept
    hashes = {hashlib.sha256(file.read_bytes()).hexdigest() for file in corpus}
    for each in kept:
        where = settings.MEDIA_ROOT / each.stored_name
        assert re.fullmatch(r"(?:uploads|quarantine)/[0-9a-z/_.-]+", each.stored_name)
        assert where.resolve().is_relative_to(settings.MEDIA_ROOT.resolve())
        status, headers, content = visitor.ask(f"{at}files/{each.pk}/")
        assert (status, hashlib.sha256(content).hexdigest()) == (200, each.sha256)
        assert headers["Content-Disposition"].startswith("attachment")
        assert "\n" not in headers["Content-Disposition"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Content-Security-Policy"].startswith("sandbox")
        assert "no-store" in headers["Cache-Control"]
        assert headers["Content-Type"] == "application/octet-stream"
        status, headers, content = visitor.ask(f"{at}files/{each.pk}/pages/1.png")
        assert (status, content[:4]) == (200, b"\x89PNG") or status == 404
    assert hashes & {each.sha256 for each in kept}, "no hostile file was kept, so nothing was tried"
    files = [path for path in settings.MEDIA_ROOT.rglob("*") if path.is_file()]
    assert {str(path.relative_to(settings.MEDIA_ROOT)) for path in files} == {each.stored_name for each in kept}


LIVE = '"><img src=x onerror=alert(1)><script>alert(1)</script>'


def test_what_a_stranger_wrote_into_an_invoice_is_shown_as_text_to_everybody(
    visitor, live_server, firm, office, product
):
    claim = factories.draft(firm)
    at = f"/claims/{claim.number}/"
    organisation = firm.organisation
    facts = make.Facts()
    facts = replace(
        facts, buyer_name=LIVE, buyer_id=organisation.uscc, seller_name=LIVE, remark=LIVE,
        lines=[replace(each, name=f"*信息技术服务*{LIVE}", spec=LIVE[:40], unit="<b>") for each in facts.lines],
    )  # fmt: skip
    status, _, said = visitor.upload(at + "invoices/", "invoice", LIVE + ".xml", make.xml(facts))
    assert status == 200
    invoice = Invoice.objects.get()
    assert LIVE in invoice.seller_name
    officer = Visitor(live_server.url, signed_in(office.reviewer.user))
    shown = [
        said,
        *(visitor.ask(at + rest)[2] for rest in ("", "invoices/", f"invoices/{invoice.pk}/", "payments/", "papers/", "submit/")),
        officer.ask(f"/admin/claims/{claim.pk}/?view=all&invoice={invoice.pk}")[2],
    ]  # fmt: skip
    assert sum(b"onerror=alert(1)" in page for page in shown) >= 3, "nothing of it was shown, so nothing was tried"
    for page in shown:
        assert b"<img src=x" not in page
        assert b"<script>alert" not in page

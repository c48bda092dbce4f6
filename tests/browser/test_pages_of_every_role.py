"""Every page of every role: whole on a phone, free of accessibility violations, within the policy, in Chinese."""

import re
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.urls import Resolver404, resolve

from accounts.models import User
from tests import factories
from tests.browser.conftest import DESKTOP, PHONE
from tests.desk.conftest import browser_of
from vouchers.budget import orders
from vouchers.calls.services import draft_call
from vouchers.claims.models import Claim
from vouchers.claims.papers import Allocation
from vouchers.claims.receiving import receive_invoice
from vouchers.disbursement import services as disbursement
from vouchers.ledger.selectors import pool_available_fen
from vouchers.management.demo.papers import proof_pdf
from vouchers.review.corrections import return_for_correction
from vouchers.review.negotiated import Part, draft_agreement
from vouchers.review.objections import object_to

WALLS = Path(__file__).parents[1] / "doors" / "walls.csv"
# A name in braces is made when a page asks for it: see Town.
DESK = ["/admin/", "/admin/queue/?view=all", "/admin/vouchers-queue/", "/admin/publicity/"]
PAGES = {
    "nobody": [
        "/", "/?category=digital_enterprise&local=1000000&external=500000&used=#suan", "/accounts/login/",
        "/accounts/password/reset/", "/accounts/password/reset/sent/", "/accounts/password/reset/done/", "/accounts/inactive/",
        "/register/", "/register/sent/", "/publicity/", "/publicity/{publicised}/objection/", "/policy/", "/help/", "/verify/",
        "/accounts/confirm/wrong/", "/not-there/",
    ],
    "newcomer": [
        "/enterprise/register/", "/accounts/2fa/", "/accounts/2fa/totp/activate/", "/accounts/password/change/",
        "/accounts/logout/", "/accounts/reauthenticate/",
    ],
    "clerk": [
        "/claims/", "/claims/{draft}/", "/claims/{draft}/invoices/", "/claims/{draft}/invoices/{invoice}/",
        "/claims/{draft}/invoices/{invoice}/remove/", "/claims/{draft}/invoices/typed/{typed}/",
        "/claims/{draft}/payments/", "/claims/{draft}/payments/{payment}/",
        "/claims/{draft}/payments/{payment}/remove/", "/claims/{draft}/papers/", "/claims/{draft}/submit/",
        "/claims/{draft}/discard/", "/claims/{returned}/", "/claims/{returned}/corrections/",
        "/claims/{returned}/withdraw/", "/claims/{rejected}/", "/claims/{rejected}/appeal/",
        "/claims/{rejected}/decision/", "/claims/{rejected}/receipt/", "/enterprise/", "/enterprise/account/",
        "/enterprise/contacts/", "/enterprise/members/", "/enterprise/messages/", "/enterprise/tokens/",
        "/vouchers/apply/", "/claims/agreements/", "/claims/{returned}/red-letter/", "/claims/{short}/part/",
    ],
    "reviewer": [
        *DESK, "/admin/claims/{accepted}/", "/admin/tables/", "/admin/accounts/", "/admin/vouchers/claim/",
        "/admin/vouchers/claim/{accepted}/change/", "/admin/applicants/organisation/{firm}/history/",
        "/admin/agreements/", "/admin/agreements/new/", "/admin/agreements/{agreement}/",
        "/admin/calls/", "/admin/calls/new/", "/admin/calls/{call_draft}/",
    ],
    "approver": ["/admin/", "/admin/claims/{reviewed}/", "/admin/books/"],
    "finance": [
        "/admin/", "/admin/batches/", "/admin/batches/{open_batch}/", "/admin/batches/{frozen_batch}/", "/admin/funds/",
        "/admin/funds/new/top_up/?year=2025", "/admin/funds/{order}/", "/admin/what-if/",
    ],
    "auditor": [
        "/admin/trail/", "/admin/books/", "/admin/books/account/?key=held:{accepted}", "/admin/batches/{frozen_batch}/",
    ],
    "system_admin": ["/admin/", "/admin/claims/{accepted}/"],
    "security_admin": ["/admin/", "/admin/accounts/user/"],
    "audit_admin": ["/admin/", "/admin/trail/"],
}  # fmt: skip
# The desktop's width at 200 %.
ZOOMED = {name: length // 2 for name, length in DESKTOP.items()}
# Whatever can be pressed or filled in and is there to be seen; a group of radio buttons is one stop, a closed panel's
# inside none; a date is filled in over four stops, and the last of them marks only itself.
REACHABLE = """() => {
  const all = [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex]")];
  const groups = new Set();
  window.toReach = new Set(all.filter((each) => {
    if (each.disabled || each.tabIndex < 0 || each.type === "hidden" || !each.checkVisibility({ visibilityProperty: true })) return false;
    if (each.type !== "radio") return true;
    const named = each.form?.id + each.name, first = !groups.has(named);
    groups.add(named);
    return first;
  }));
  window.unmarked = new Set(window.toReach);
  const dates = all.filter((each) => each.type === "date");
  return window.toReach.size + 3 * dates.length;
}"""
MARK = """() => {
  const at = document.activeElement;
  if (!at || at === document.body) return;
  const radios = at.type === "radio" ? document.getElementsByName(at.name) : [at];
  for (const each of radios) window.toReach.delete(each);
  const seen = [at, at.closest("label"), at.parentElement].filter(Boolean).map((each) => getComputedStyle(each));
  if (seen.some((style) => style.outlineStyle !== "none" || style.boxShadow !== "none"))
    for (const each of radios) window.unmarked.delete(each);
}"""
UNREACHED = """() => [
  ...[...window.toReach].map((each) => "Tab does not reach " + each.outerHTML.slice(0, 120)),
  ...[...window.unmarked].map((each) => "no mark of the focus on " + each.outerHTML.slice(0, 120)),
]"""
# Addresses that show no page of their own: deeds, downloads, pieces of pages, and ways that lead on.
NO_PAGE = re.compile(
    r"^(api/|health/|start/|admin/(jsi18n|autocomplete|login|logout|password_change|r/)|admin/\(|accounts/confirm)"
    r"|/(do|switch|again|end|match|keep|total|open|files|letter|progress|cut-preview|download|papers/<int:document>)/"
    r"|^admin/(batches/<int:pk>/(papers|letters)|books/(check|ledger))|^claims/open/|^enterprise/switch/|/remove/$"
    r"|<slug:number>/corrections/<int:pk>/|^accounts/2fa/(recovery|authenticate|reauthenticate|totp/deactivate)"
    r"|^accounts/\^password|^accounts/password/reset/key|delete/|/add/|<path:object_id>/$|invoices/<int:pk>/correct/"
    r"|/(verify|waive|withdraw|agree|picture|explain|waiting|qualify|publish)/$|^claims/agreements/<slug:number>/<int:position>/"
)
# Names of formats and programs, and what the policy's own number and the password rule say in letters.
KNOWN = {"PDF", "XML", "OFD", "JPG", "PNG", "XLSX", "CSV", "SHA", "Word", "Excel", "API", "OpenAPI", "TOTP"}
KNOWN |= {"wuxi", "suanli", "password"}
# Numbers in the trail; the key; who publishes in the factories.
KNOWN |= {"user", "claim", "Enter", "test"}


class Town(dict):
    """What addresses speak of, made when first asked for."""

    def __init__(self):
        self.office, self.call, self.product = factories.office(), factories.call(), factories.product()
        self.home = factories.firm(1, self.call, reviewer=self.office.reviewer)
        self.last = 100

    def __missing__(self, name: str):
        make = getattr(self, f"_{name}", None)
        self[name] = make() if make else self._claim(name).pk
        return self[name]

    def _claim(self, state: str) -> Claim:
        self.last += 1
        firm = factories.firm(self.last, self.call, reviewer=self.office.reviewer)
        return factories.drive(factories.ready(firm, self.product, self.last), state, firm, self.office)

    def _own(self) -> Claim:
        self.last += 1
        return factories.ready(self.home, self.product, self.last)

    def _firm(self) -> int:
        return self.home.organisation.pk

    def _draft(self) -> str:
        return self._own().number

    def _returned(self) -> str:
        claim = factories.drive(self._own(), "submitted", self.home, self.office)
        return_for_correction(claim, ["用量清单缺少服务商盖章。", "合同缺少签署页。"], actor=self.office.reviewer)
        return claim.number

    def _rejected(self) -> str:
        return factories.drive(self._own(), "rejected", self.home, self.office).number

    def _invoice(self) -> int:
        return Claim.objects.get(number=self["draft"]).lines.get().invoice_line.invoice_id

    def _payment(self) -> int:
        return Allocation.objects.get(invoice=self["invoice"]).payment_id

    def _typed(self) -> int:
        claim = Claim.objects.get(number=self["draft"])
        paper = proof_pdf("发票", ["演示"])
        return receive_invoice(claim, name="旧式发票.pdf", content=paper, user=self.home.clerk).attachment.pk

    def _publicised(self) -> int:
        claim = self._claim("publicised")
        object_to(claim, name="陈立", contact="13900000000", text="合同与实际不符，请核实。")
        return claim.pk

    def _open_batch(self) -> int:
        self._claim("payable")
        return disbursement.open_batch(self.call, approval_reference="批复一号", actor=self.office.preparer).pk

    def _frozen_batch(self) -> int:
        claim, finance = self._claim("payable"), self.office.preparer
        batch = disbursement.open_batch(self.call, approval_reference="批复二号", actor=finance)
        disbursement.add_claims(batch, [claim], actor=finance)
        return disbursement.freeze(batch, actor=finance).pk

    def _call_draft(self) -> int:
        return draft_call("compute_voucher", 2025, user=self.office.reviewer.user).pk

    def _agreement(self) -> int:
        agreement = draft_agreement(
            self.home.organisation, scheme=self["negotiated"], fiscal_year=2025, title="大模型训练",
            reference="锡政会纪〔2025〕8 号", cost_fen=200_000_000, rate=Fraction(1, 2), grant_fen=100_000_000,
            parts=[Part(60_000_000, "训练完成一半"), Part(40_000_000, "模型上线")], user=self.office.reviewer.user,
        )  # fmt: skip
        return agreement.pk

    def _negotiated(self) -> str:
        return factories.call(
            scheme="negotiated_compute", local_rate=Decimal("0.60"), external_rate=Decimal("0.60")
        ).scheme

    def _order(self) -> int:
        return orders.prepare_top_up(
            "compute_voucher", 2025, 100_050, citation="锡财〔2026〕9号", actor=self.office.preparer
        ).pk

    def _short(self) -> str:
        """A claim at the head of the queue for money, with less in the pool than it asks for."""
        claim = self._own()
        left_fen = pool_available_fen("compute_voucher", 2025) - 1_000_000
        order = orders.prepare_adjust(
            "compute_voucher",
            2025,
            -left_fen,
            reason="entry_error",
            citation="锡财〔2026〕10号",
            actor=self.office.preparer,
        )
        orders.sign(order, actor=self.office.approver, seen=order.digest)
        return factories.drive(claim, "submitted", self.home, self.office).number

    def person(self, role: str) -> User:
        """Somebody who looks at the pages of `role`."""
        known = {"clerk": self.home.clerk, "finance": self.office.preparer.user}
        if role in known:
            return known[role]
        if role in ("reviewer", "approver"):
            return getattr(self.office, role).user
        return factories.user(f"only-{role}".replace("_", "-"), *([] if role == "newcomer" else [role]))


def words_left(page, names: set[str]) -> set[str]:
    """Words in Latin letters that a reader meets: no numbers, hashes, keys, file names or user names."""
    page.evaluate("document.querySelectorAll('.hash, .id, .key, code').forEach(each => each.remove())")
    text = re.sub(r"[\w.-]+\.(pdf|xml|ofd|xlsx|zip)\b", "", page.inner_text("body"))
    for name in sorted(names, key=len, reverse=True):
        text = text.replace(name, "")
    return set(re.findall(r"[A-Za-z]{3,}", re.sub(r"\b[A-Z]{2,4}\d{4}-\d+", "", text))) - KNOWN


def too_wide(page, size: dict[str, int]) -> list[str]:
    page.set_viewport_size(size)
    over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return [f"{over} px too wide at {size['width']} px"] if over > 0 else []


def violations(page, **options) -> list[str]:
    found = Axe().run(page, options={"resultTypes": ["violations"], "preload": False} | options).response["violations"]
    return [f"{each['id']}: {node['html'][:160]}" for each in found for node in each["nodes"]]


def beyond_the_keyboard(page) -> list[str]:
    """What Tab does not reach, and where it leaves the eye without a mark."""
    count = page.evaluate(REACHABLE)
    for _ in range(count + 2):  # the way round may begin at the browser's own bar
        page.keyboard.press("Tab")
        page.evaluate(MARK)
    return page.evaluate(UNREACHED)


def examine(visitor, path: str, names: set[str]) -> list[str]:
    """What is wrong with the page at `path`."""
    page = visitor.go(path)
    wrong = [f"the browser says {each}" for each in visitor.complaints]
    visitor.complaints.clear()
    wrong += too_wide(page, ZOOMED) + too_wide(page, PHONE) + violations(page)
    page.emulate_media(color_scheme="dark")
    page.wait_for_timeout(250)  # colours of Django's own links and buttons change gradually
    wrong += [f"in the dark, {each}" for each in violations(page, runOnly=["color-contrast"])]
    page.emulate_media(color_scheme="light")
    wrong += beyond_the_keyboard(page)
    wrong += [f"left in English: {word}" for word in sorted(words_left(page, names))]
    visitor.complaints.clear()  # what axe itself stirs up
    return [f"{path}: {each}" for each in wrong]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("role", PAGES)
def test_every_page_is_whole_and_plain(role, visit, live_server):
    settings.MEDIA_ROOT.mkdir(exist_ok=True)
    town = Town()
    paths = [path.format_map(town) for path in PAGES[role]]
    visitor = visit()
    visitor.page.set_viewport_size(PHONE)
    if role != "nobody":
        cookie = browser_of(town.person(role)).cookies[settings.SESSION_COOKIE_NAME]
        visitor.context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": live_server.url}])
    names = set(User.objects.values_list("username", flat=True))
    wrong = [each for path in paths for each in examine(visitor, path, names)]
    assert not wrong, "\n".join(wrong)


def test_no_page_is_forgotten():
    made_up = dict.fromkeys(re.findall(r"{(\w+)}", str(PAGES)), 1)
    opened = set()
    for path in (path.format_map(made_up).split("?")[0] for paths in PAGES.values() for path in paths):
        try:
            opened.add(resolve(path).route)
        except Resolver404:
            assert path == "/not-there/"
    routes = [row.split(",")[0] for row in WALLS.read_text(encoding="utf-8").splitlines()[1:]]
    forgotten = [
        route
        for route in routes
        if route not in opened and not re.search("<app(_label)?>", route) and not NO_PAGE.search(route)
    ]
    assert not forgotten

"""The audit trail as people read it: filters, the newest first, what changed from what to what, and the chain's state."""

from __future__ import annotations

import datetime as dt
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.db.models import QuerySet
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from accounts.choices import ROLES
from audit.models import AuditEntry
from vouchers import workflow
from vouchers.claims.agreements import STATES as AGREEMENT_STATES
from vouchers.forms import LookForm, is_number
from vouchers.invoices.verifier import STATUS_LABELS
from vouchers.ledger import kinds
from vouchers.money import grouped

PER_PAGE = 50
# What is done to what: the words before and after the point of an action.
_THINGS = {
    "claim": "申请",
    "voucher": "算力券",
    "batch": "拨付批次",
    "payment": "付款",
    "user": "用户",
    "officer": "工作人员",
    "organisation": "单位",
    "sanction": "失信名单",
    "provider": "服务商",
    "centre": "算力中心",
    "product": "算力产品",
    "objection": "异议",
    "invoice": "发票",
    "token": "接口令牌",
    "books": "账目",
    "call": "申报通知",
    "budget": "资金",
    "pool": "资金池",
    "sign_in": "登录",
    "uscc": "信用代码",
    "order": "资金办理单",
    "agreement": "一事一议协议",
}
_DEEDS = {
    "ledger.post": "资金转账",
    "sign_in": "登录",
    "sign_out": "退出",
    "sign_in.password": "登录未成，密码不符",
    "sign_in.code": "登录未成，动态码不符",
    "sign_in.locked": "登录未成，账号锁定",
    "user.register": "注册",
    "user.create": "建立用户",
    "user.change_password": "修改密码",
    "user.confirm_email": "确认邮箱",
    "user.reset_second_factor": "重置动态码",
    "user.add_second_factor": "设置动态码",
    "user.remove_second_factor": "停用动态码",
    "user.renew_second_factor": "更换恢复码",
    "officer.appoint": "任命",
    "officer.dismiss": "免任",
    "organisation.register": "登记单位",
    "organisation.rename": "变更名称",
    "organisation.merge": "合并单位",
    "organisation.add_member": "增加经办人",
    "organisation.end_membership": "移出经办人",
    "organisation.set_account": "登记收款账户",
    "organisation.change_contacts": "变更联系方式",
    "sanction.add": "列入名单",
    "sanction.lift": "移出名单",
    "provider.register": "登记服务商",
    "provider.delist": "移出服务商",
    "centre.add": "登记算力中心",
    "product.add": "登记产品",
    "product.end": "停用产品",
    "call.publish": "发布申报通知",
    "budget.appropriate": "拨入资金",
    "claim.serve": "轮候占用资金",
    "claim.open": "建立申请",
    "claim.upload": "上传材料",
    "claim.declare": "签署承诺",
    "claim.remove_file": "删除材料",
    "claim.file_cleared": "文件通过病毒检查",
    "claim.file_infected": "文件查出病毒，已销毁",
    "claim.reversal": "发现发票红冲或作废",
    "clawback.propose": "提出追回建议",
    "clawback.superseded": "追回建议已由新的建议代替",
    "clawback.settled": "追回建议办结，已追回",
    "clawback.dropped": "追回建议办结，不予追回",
    "invoice.remove": "删除发票",
    "payment.remove": "删除付款凭证",
    "voucher.apply": "申领算力券",
    "objection.receive": "收到异议",
    "invoice.clash": "发票号码冲突",
    "invoice.explain": "说明发票疑点",
    "invoice.letter": "上传红字发票",
    "invoice.officers_letter": "登记红冲或作废",
    "invoice.letter_withdrawn": "撤销红冲登记",
    "invoice.verify": "登记查验结果",
    "invoice.waiver_asked": "提出免予查验",
    "invoice.waiver_agreed": "同意免予查验",
    "agreement.draft": "录入一事一议协议",
    **{f"agreement.{state}": f"一事一议协议{label}" for state, label in AGREEMENT_STATES},
    "token.create": "建立接口令牌",
    "token.end": "停用接口令牌",
    "batch.open": "建立批次",
    "batch.export": "生成拨付文书",
    "batch.download": "下载拨付文书",
    "document.file": "文书存档",
    "payment.reveal_account": "查看完整账号",
    "books.check": "核对账目",
    **{f"claim.{verb}": f"申请{label}" for verb, label in workflow.CLAIM.verb_labels.items()},
    **{f"voucher.{verb}": f"算力券{label}" for verb, label in workflow.VOUCHER.verb_labels.items()},
    **{f"batch.{verb}": f"批次{label}" for verb, label in workflow.BATCH.verb_labels.items()},
    **{f"payment.{verb}": f"付款{label}" for verb, label in workflow.PAYMENT.verb_labels.items()},
    "order.prepare": "资金办理单编制",
    "order.retry": "资金办理单重新执行",
    **{f"order.{verb}": f"资金办理单{label}" for verb, label in workflow.ORDER.verb_labels.items()},
    **{f"objection.{verb}": f"异议{label}" for verb, label in workflow.OBJECTION.verb_labels.items()},
}
_NAMES = {
    "from": "原状态",
    "to": "新状态",
    "state": "状态",
    "reason": "理由",
    "amount_fen": "金额",
    "number": "编号",
    "digest": "封存校验值",
    "reference": "银行流水号",
    "transfers": "转账",
    "old": "原名称",
    "new": "新名称",
    "on": "日期",
    "name": "名称",
    "username": "用户名",
    "user": "用户",
    "role": "岗位",
    "district": "所属区",
    "valid_from": "生效日",
    "uscc": "信用代码",
    "account": "账户登记",
    "bank": "开户银行",
    "list_name": "名单",
    "listed_on": "列入日",
    "into": "并入",
    "changed": "变更项目",
    "citation": "依据",
    "outcome": "结果",
    "paper": "文书",
    "batch": "批次",
    "claim": "申请",
    "problems": "问题",
    "accounts": "账户数",
    "decisions": "核定结论数",
    "chain": "审计链长度",
    "seq": "审计链序号",
    "hash": "摘要",
    "against": "对照序号",
    "kind": "类型",
    "source": "转出",
    "target": "转入",
    "key": "唯一键",
    "note": "说明",
    "subject": "对象",
    "original": "冲回的拨付",
    "room": "年度上限账户",
    "version": "办理版本",
    "granted_fen": "核定额",
    "sha256": "文件校验值",
    "valid_until": "失效日",
    "ok": "成功",
    "status": "查验结果",
    "provider": "查验渠道",
    "attempt": "当日次数",
    "letter": "红字发票",
    "reverses": "对应蓝字发票",
    "known": "核定时已知",
    "code": "提示",
    "text": "说明",
    "found": "查出",
    "exception": "例外协议",
}
_STATES = {
    state: words.label
    for machine in (workflow.CLAIM, workflow.VOUCHER, workflow.BATCH, workflow.PAYMENT, workflow.OBJECTION)
    for state, words in machine.states.items()
}
_ROLES = dict(ROLES) | workflow.ROLE_LABELS
_PAPERS = {"contract": "合同", "receipt": "付款凭证", "usage": "使用证明"}
# Where the row itself, or how it changed, can be looked at.
_HISTORIES = {
    "organisation": "admin:applicants_organisation_history",
    "user": "admin:accounts_user_history",
    "call": "admin:vouchers_call_history",
    "provider": "admin:providers_provider_history",
    "voucher": "admin:vouchers_voucher_change",
    "payment": "admin:vouchers_payment_change",
    "claim": "admin:claim",
    "batch": "admin:batch",
}


class TrailForm(LookForm):
    """What the trail is sifted by."""

    actor = forms.CharField(label="操作人", required=False, max_length=60)
    action = forms.ChoiceField(
        label="操作", required=False, choices=[("", "不限"), *sorted(_DEEDS.items(), key=lambda d: d[1])]
    )
    subject = forms.CharField(label="对象", required=False, max_length=60)
    first = forms.DateField(label="从", required=False, widget=forms.DateInput(attrs={"type": "date"}))
    last = forms.DateField(label="到", required=False, widget=forms.DateInput(attrs={"type": "date"}))
    failed = forms.ChoiceField(label="结果", required=False, choices=[("", "不限"), ("1", "未成")])


class Trail:
    """One look at the trail; `asked` is the address's query."""

    def __init__(self, asked: Any, may_see_batches: bool):
        self.asked, self._may_see_batches = asked, may_see_batches
        self.form = TrailForm(asked)
        self.form.is_valid()

    @property
    def query(self) -> str:
        """The filters as an address has them."""
        return urlencode({key: value for key, value in self.asked.items() if value and key != "before"})

    def entries(self) -> QuerySet[AuditEntry]:
        """The entries that the filters leave, the newest first."""
        said, rows = self.form.cleaned_data, AuditEntry.objects.select_related("link").order_by("-pk")
        for field, lookup in (("action", "action"), ("subject", "subject__startswith"), ("actor", "actor__icontains")):
            if said.get(field):
                rows = rows.filter(**{lookup: said[field].strip()})
        if said.get("first"):
            rows = rows.filter(at__gte=_midnight(said["first"]))
        # The calendar's own last day has no day after it, and excludes nothing.
        if said.get("last") and said["last"] < dt.date.max:
            rows = rows.filter(at__lt=_midnight(said["last"] + dt.timedelta(days=1)))
        return rows.filter(ok=False) if said.get("failed") else rows

    def page(self) -> dict[str, Any]:
        """Fifty of them from just before the id that was asked for; ids only fall, so nothing shifts."""
        rows, before = self.entries(), self.asked.get("before", "")
        if is_number(before):
            rows = rows.filter(pk__lt=int(before))
        found = list(rows[: PER_PAGE + 1])
        shown = found[:PER_PAGE]
        return {
            "rows": [self._row(entry) for entry in shown],
            "more": shown[-1].pk if len(found) > PER_PAGE else None,
            "is_first": not before,
        }

    def _row(self, entry: AuditEntry) -> dict[str, Any]:
        id_, _, name = entry.actor.partition(" ")
        return {
            "entry": entry,
            "deed": deed_of(entry.action),
            "who": name
            or {"system": "系统", "anonymous": "未登录者", "public": "社会公众"}.get(entry.actor, entry.actor),
            "who_id": id_ if name else "",
            "what": subject_of(entry.subject),
            "where": self._where(entry.subject),
            "seq": getattr(getattr(entry, "link", None), "seq", None),
            "said": details_of(entry.detail),
        }

    def _where(self, subject: str) -> str:
        kind, _, pk = subject.partition(":")
        if kind not in _HISTORIES or not pk.isdecimal() or (kind == "batch" and not self._may_see_batches):
            return ""
        try:
            return reverse(_HISTORIES[kind], args=[pk])
        except NoReverseMatch:
            return ""


def _midnight(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), tzinfo=timezone.get_current_timezone())


def deed_of(action: str) -> str:
    """An action in words."""
    return _DEEDS.get(action) or action


def subject_of(subject: str) -> str:
    """What it was done to, in words: claim:12 → 申请 12, pool:compute_voucher:2025 → 资金池 2025."""
    kind, _, key = subject.partition(":")
    return f"{_THINGS[kind]} {key.rpartition(':')[2]}".strip() if kind in _THINGS else subject


def details_of(detail: Any) -> list[tuple[str, list[str]]]:
    """An entry's detail as names and lines that people read; what is empty is left out."""
    if not isinstance(detail, dict):
        return [("内容", [str(detail)])]
    return [
        (_NAMES.get(key) or str(key), _lines(key, value))
        for key, value in detail.items()
        if value not in ("", None, [], {})
    ]


def _lines(key: str, value: Any) -> list[str]:
    if isinstance(value, list):
        return [line for each in value for line in _lines(key, each)]
    if isinstance(value, dict):
        said = ((_NAMES.get(name, name), _lines(name, each)) for name, each in value.items() if each not in ("", None))
        return ["，".join(f"{name} {'、'.join(lines)}" for name, lines in said)]
    return [_word(key, value)]


def _word(key: str, value: Any) -> str:
    if key.endswith("_fen") and isinstance(value, int):
        return f"{grouped(value)} 元"
    if key == "status":
        return STATUS_LABELS.get(value, str(value))
    if key == "provider":
        return {"manual": "人工查验", "fake": "本地测试"}.get(value, str(value))
    if key in ("from", "to", "state"):
        return _STATES.get(value, str(value))
    if key == "role":
        return _ROLES.get(value, str(value))
    if key == "kind":
        return kinds.TRANSFER_LABELS.get(value) or _PAPERS.get(value) or str(value)
    if key in ("source", "target", "room") and kinds.kind_of(str(value)) in kinds.ACCOUNT_LABELS:
        return f"{kinds.ACCOUNT_LABELS[kinds.kind_of(value)]}（{value}）"
    return {True: "是", False: "否"}[value] if isinstance(value, bool) else str(value)

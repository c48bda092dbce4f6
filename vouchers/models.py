"""Only registers the rooms' models, so that they form one Django app with one migration history.

Read a room's models in the room: `vouchers/ledger/models.py` and so on.
"""

from vouchers.budget.models import Order, SettlementShare
from vouchers.calls.models import Call, Holiday
from vouchers.claims.agreements import Agreement, Tranche
from vouchers.claims.corrections import CorrectionItem
from vouchers.claims.drafts import HalfTyped
from vouchers.claims.models import Claim, FilingQueue, Voucher
from vouchers.claims.papers import (
    Allocation,
    Attachment,
    ClaimLine,
    DoubtAnswer,
    Invoice,
    InvoiceClash,
    InvoiceCopy,
    InvoiceLine,
    PaymentMade,
)
from vouchers.claims.verification import Verification, VerificationWaiver
from vouchers.disbursement.models import Batch, Payment
from vouchers.documents.models import Document
from vouchers.jobs.models import Job
from vouchers.ledger.models import Account, ClosedYear, Transfer
from vouchers.messages.models import Message
from vouchers.review.models import (
    ClaimDuty,
    ClaimEvent,
    ClawbackProposal,
    Decision,
    LineCut,
    Objection,
    ReversalFlag,
    VoucherEvent,
)

__all__ = [
    "Account",
    "Agreement",
    "Allocation",
    "Attachment",
    "Batch",
    "Call",
    "Claim",
    "ClaimDuty",
    "ClaimEvent",
    "ClaimLine",
    "ClawbackProposal",
    "ClosedYear",
    "CorrectionItem",
    "Decision",
    "Document",
    "DoubtAnswer",
    "FilingQueue",
    "HalfTyped",
    "Holiday",
    "Invoice",
    "InvoiceClash",
    "InvoiceCopy",
    "InvoiceLine",
    "Job",
    "LineCut",
    "Message",
    "Objection",
    "Order",
    "Payment",
    "PaymentMade",
    "ReversalFlag",
    "SettlementShare",
    "Tranche",
    "Transfer",
    "Verification",
    "VerificationWaiver",
    "Voucher",
    "VoucherEvent",
]

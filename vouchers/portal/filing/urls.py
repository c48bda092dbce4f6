"""Addresses of claims; everything here stands under `claims/`."""

from django.urls import path

from vouchers.portal.filing import agreed, invoices, keeping, papers, part, payments, submitting, views, waiting

urlpatterns = [
    path("", views.claims, name="claims"),
    path("open/<int:voucher>/", views.claim_open, name="claim_open"),
    path("agreements/", agreed.agreements, name="agreements"),
    path("agreements/<slug:number>/qualify/", agreed.qualify, name="agreement_qualify"),
    path("agreements/<slug:number>/<int:position>/", agreed.claim_tranche, name="tranche_claim"),
    path("<slug:number>/", views.claim, name="claim"),
    path("<slug:number>/decision/", views.decision, name="claim_decision"),
    path("<slug:number>/letter/", views.letter, name="claim_letter"),
    path("<slug:number>/invoices/", invoices.invoice_list, name="claim_invoices"),
    path("<slug:number>/invoices/waiting/", waiting.waiting, name="claim_invoices_waiting"),
    path("<slug:number>/invoices/typed/<int:file>/", invoices.type_in, name="claim_invoice_typed"),
    path("<slug:number>/invoices/<int:pk>/", invoices.invoice, name="claim_invoice"),
    path("<slug:number>/invoices/<int:pk>/correct/", invoices.correct, name="claim_invoice_correct"),
    path("<slug:number>/invoices/<int:pk>/remove/", invoices.remove, name="claim_invoice_remove"),
    path("<slug:number>/keep/<slug:what>/<int:pk>/", keeping.keep, name="claim_keep"),
    path("<slug:number>/invoices/<int:pk>/explain/", invoices.explain, name="claim_invoice_explain"),
    path("<slug:number>/red-letter/", invoices.red_letter, name="claim_red_letter"),
    path("<slug:number>/payments/", payments.payment_list, name="claim_payments"),
    path("<slug:number>/payments/match/", payments.match, name="claim_match"),
    path("<slug:number>/payments/<int:pk>/", payments.payment, name="claim_payment"),
    path("<slug:number>/payments/<int:pk>/remove/", payments.remove, name="claim_payment_remove"),
    path("<slug:number>/papers/", papers.paper_list, name="claim_papers"),
    path("<slug:number>/files/<int:pk>/", papers.download, name="claim_file"),
    path("<slug:number>/files/<int:pk>/pages/<int:page>.png", papers.page, name="claim_page"),
    path("<slug:number>/files/<int:pk>/remove/", papers.remove, name="claim_file_remove"),
    path("<slug:number>/corrections/", submitting.corrections, name="claim_corrections"),
    path("<slug:number>/corrections/<int:pk>/", submitting.answer, name="claim_answer"),
    path("<slug:number>/submit/", submitting.submit, name="claim_submit"),
    path("<slug:number>/receipt/", submitting.receipt, name="claim_receipt"),
    path("<slug:number>/discard/", submitting.discard, name="claim_discard"),
    path("<slug:number>/withdraw/", submitting.withdraw, name="claim_withdraw"),
    path("<slug:number>/part/", part.part, name="claim_part"),
    path("<slug:number>/appeal/", submitting.appeal, name="claim_appeal"),
]

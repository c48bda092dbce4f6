"""The what-if page. It reads; it writes nothing."""

from __future__ import annotations

from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.walls import for_roles
from vouchers.admin.supposing.asking import screen_of


@for_roles("approver", "finance", "auditor")
@require_GET
def what_if_page(request):
    """The form of supposed numbers, and what they would have meant."""
    context = screen_of(request.GET)
    form = context["form"]
    return render(request, "admin/supposing/page.html", context, status=422 if form and form.errors else 200)

"""A member's own tokens for the API."""

from django.contrib import messages
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from accounts.errors import Refused
from accounts.tokens import end_token, new_token, tokens_of
from accounts.walls import MEMBER, for_roles


@for_roles(MEMBER)
def tokens(request):
    """One's tokens; a new one shows its secret in the answer to the very click that made it, and never again."""
    page: dict = {"tab": "tokens"}
    if request.method == "POST":
        try:
            _, page["secret"] = new_token(request.user)
        except Refused as refusal:
            page["refusal"] = refusal.message
    page["tokens"] = tokens_of(request.user)
    answer = render(request, "portal/enterprise/tokens.html", page)
    answer["Cache-Control"] = "no-store"
    return answer


@for_roles(MEMBER)
@require_POST
def end(request, key: str):
    """End one of them."""
    try:
        end_token(request.user, key)
        messages.success(request, "令牌已停用，用它的程序立即不能再调用。")
    except Refused as refusal:
        messages.error(request, refusal.message)
    return redirect("enterprise_tokens")

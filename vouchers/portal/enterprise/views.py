"""What an enterprise keeps of itself: details, account, members, messages, the year's voucher."""

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from accounts.errors import Refused
from accounts.walls import MEMBER, for_roles
from applicants import affairs
from applicants.errors import AccountNameMismatch, BadAccountNumber
from applicants.selectors import current_account, members_of, own_sanctions, seen_account, seen_details
from applicants.web import acting_for, choose, organisations_of
from vouchers.claims.services import apply_for_voucher
from vouchers.forms import REFUSALS, PurposeForm, refusals_to
from vouchers.portal.enterprise.forms import AccountForm, ContactsForm, InviteForm, refusals_beside
from vouchers.portal.enterprise.selectors import messages_of, offer_to
from vouchers.portal.public.notices import open_calls

A_PAGE = 20


@for_roles(MEMBER)
def profile(request):
    """Who the enterprise is, what stands against it, and for which one the person acts."""
    organisation = acting_for(request)
    page = {
        "names": organisation.names.order_by("-valid_from"),
        "absorbed": organisation.absorbed.order_by("uscc"),
        "sanctions": own_sanctions(organisation),
        "account": current_account(organisation, settings.CLOCK.today()),
        "phone": organisation._meta.get_field("contact_phone").masked(organisation.contact_phone),
        "tab": "profile",
    }
    return render(request, "portal/enterprise/profile.html", page)


@for_roles(MEMBER)
@require_POST
def switch(request):
    """Act for another of one's enterprises from now on."""
    mine = {str(each.pk): each for each in organisations_of(request)}
    chosen = mine.get(request.POST.get("organisation", ""))
    if chosen is None:
        raise Http404
    choose(request, chosen)
    messages.success(request, f"现在办理的是：{chosen}。")
    return redirect("enterprise")


@for_roles(MEMBER)
def contacts(request):
    """Change whom the bureau calls and writes to."""
    organisation = acting_for(request)
    seen = seen_details(organisation)
    organisation.refresh_from_db(fields=affairs.CONTACTS)
    initial = {name: getattr(organisation, name) for name in affairs.CONTACTS}
    form = ContactsForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        with refusals_to(form):
            affairs.change_contacts(organisation, request.user, **form.cleaned_data)
            messages.success(request, "联系方式保存好了。")
            return redirect("enterprise")
    form.show(seen)
    return render(request, "portal/enterprise/contacts.html", {"form": form, "tab": "profile"})


@for_roles(MEMBER)
@sensitive_post_parameters("number")
def account(request):
    """The corporate account that grants are paid to."""
    organisation = acting_for(request)
    current = current_account(organisation, settings.CLOCK.today())
    form = AccountForm(request.POST or None, initial={"holder_name": str(organisation)})
    if request.method == "POST" and form.is_valid():
        with refusals_beside(form, {AccountNameMismatch: "holder_name", BadAccountNumber: "number"}):
            affairs.change_account(organisation, request.user, **form.cleaned_data)
            messages.success(request, "收款账户设置好了，从今天起用这个账户收款。")
            return redirect("enterprise_account")
    form.show(seen_account(current))
    page = {
        "form": form,
        "account": current,
        "past": organisation.accounts.exclude(valid_until=None).order_by("-valid_from", "-pk"),
        "owner": _is_owner(request),
        "tab": "account",
    }
    return render(request, "portal/enterprise/account.html", page)


@for_roles(MEMBER)
def members(request):
    """Who acts for the enterprise; owners add people."""
    organisation = acting_for(request)
    form = InviteForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with refusals_beside(form, {Refused: "login"}):
            added = affairs.invite(organisation, request.user, **form.cleaned_data)
            messages.success(request, f"{added.user.get_full_name()}已添加为{added.get_role_display()}。")
            return redirect("enterprise_members")
    page = {
        "form": form,
        "members": members_of(organisation),
        "past": organisation.memberships.exclude(until=None).select_related("user").order_by("-until", "-pk"),
        "owner": _is_owner(request),
        "tab": "members",
    }
    return render(request, "portal/enterprise/members.html", page)


@for_roles(MEMBER)
@require_POST
def end_member(request, pk):
    """End a membership; of another enterprise's members nothing is known here."""
    membership = get_object_or_404(acting_for(request).memberships.select_related("user"), pk=pk)
    try:
        affairs.dismiss(membership, request.user)
    except REFUSALS as refusal:
        messages.error(request, str(refusal))
        return redirect("enterprise_members")
    messages.success(request, f"{membership.user.get_full_name()}已不再是本单位成员。")
    return redirect("start" if membership.user_id == request.user.pk else "enterprise_members")


@for_roles(MEMBER)
def inbox(request):
    """What the bureau told the enterprise."""
    page = Paginator(messages_of(acting_for(request)), A_PAGE).get_page(request.GET.get("page"))
    return render(request, "portal/enterprise/messages.html", {"page": page, "tab": "messages"})


@for_roles(MEMBER)
def voucher_apply(request):
    """Apply for the year's voucher under a call that is open."""
    organisation, asked = acting_for(request), request.POST.get("call", "")
    calls = {str(call.pk): call for call in open_calls()}
    if request.method == "POST" and asked not in calls:
        raise Http404
    forms = {pk: PurposeForm(request.POST if pk == asked else None, auto_id=f"call{pk}_%s") for pk in calls}
    if asked in forms and forms[asked].is_valid():
        with refusals_to(forms[asked]):
            purpose = forms[asked].cleaned_data["purpose"]
            voucher = apply_for_voucher(organisation, calls[asked], purpose=purpose, user=request.user)
            messages.success(request, f"已申领算力券 {voucher.serial_number}，等主管部门核对后发放。")
            return redirect("voucher_apply")
    offers = [(offer_to(organisation, call), forms[pk]) for pk, call in calls.items()]
    return render(request, "portal/enterprise/voucher_apply.html", {"offers": offers})


def _is_owner(request) -> bool:
    return members_of(acting_for(request)).filter(user=request.user, role="owner").exists()

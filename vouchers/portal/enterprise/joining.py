"""The way in: a person's account, its confirmation, and the enterprise that the person comes from."""

from django.contrib import messages
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from accounts import registration
from accounts.errors import UsernameTaken, WeakPassword
from accounts.walls import public, signed_in
from accounts.web import roles
from applicants.affairs import register_own
from applicants.errors import AlreadyRegistered
from applicants.web import organisation_of
from vouchers.portal.enterprise.forms import OrganisationForm, RegistrationForm, refusals_beside

_MAIL_IS_DOWN = "账号已经开好，但确认邮件现在发不出去。请过一会儿登录，再发一封。"


@signed_in
def start(request):
    """The first page after signing in: the officers' desk, one's claims, or the way to register an enterprise."""
    if roles(request):
        return redirect("admin:index")
    return redirect("claims" if organisation_of(request) else "enterprise_register")


@public
@sensitive_post_parameters("password", "again")
def register(request):
    """A new account, for people of enterprises; it acts for nobody until its address is confirmed."""
    if request.user.is_authenticated:
        return redirect("start")
    form = RegistrationForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with refusals_beside(form, {UsernameTaken: "username", WeakPassword: "password"}):
            if not registration.register(request, **form.person()):
                messages.warning(request, _MAIL_IS_DOWN)
            return redirect("registered")
    return render(request, "portal/enterprise/register.html", {"form": form})


@public
def registered(request):
    """What to do with the mail. The same whether or not the address had an account."""
    return render(request, "portal/enterprise/registered.html")


@signed_in
@require_POST
def send_again(request):
    """The confirmation once more."""
    address = registration.unconfirmed_address(request.user)
    if address is not None:
        if registration.send_confirmation(request, address):
            messages.info(request, f"确认邮件已发到 {address.email}。3分钟以内只发一次，链接3天内有效。")
        else:
            messages.warning(request, "确认邮件现在发不出去，请过一会儿再试。")
    return redirect("enterprise_register")


@signed_in
def register_enterprise(request):
    """The enterprise that the person comes from; whoever registers it becomes its owner."""
    if roles(request) or organisation_of(request):
        return redirect("enterprise" if organisation_of(request) else "admin:index")
    address = registration.unconfirmed_address(request.user)
    if address is not None:
        return render(request, "portal/enterprise/confirm_first.html", {"address": address})
    person = {
        "contact_name": request.user.name,
        "contact_phone": request.user.phone,
        "contact_email": request.user.email,
    }
    form = OrganisationForm(request.POST or None, initial=person)
    if request.method == "POST" and form.is_valid():
        with refusals_beside(form, {AlreadyRegistered: "code"}):
            register_own(request.user, **form.cleaned_data)
            messages.success(request, "单位登记好了。请接着填写收款账户，再申领算力券。")
            return redirect("enterprise_account")
    return render(request, "portal/enterprise/register_enterprise.html", {"form": form})

"""What people do for their own organisation: register it, keep its details, its account and its members.

`services` writes the rows; here stands who may ask for it, and that nobody overwrites what they have not seen.
`seen` is what the person's screen showed (see `seen_details`, `seen_account`); None where nothing stood there.
"""

from __future__ import annotations

from django.conf import settings
from django.db import transaction

from accounts import rows
from accounts.locks import refuse_when_locked
from accounts.models import User
from accounts.records import note
from accounts.registration import may_be_trusted_with
from accounts.selectors import user_by_login
from applicants import errors, services
from applicants.models import BankAccount, Membership, Organisation
from applicants.selectors import current_account, is_member, members_of, own_organisations, seen_account, seen_details

# What the organisation may change by itself; name, code and category follow the licence and go through the bureau.
CONTACTS = ("contact_name", "contact_phone", "contact_email", "address")


@refuse_when_locked()
@transaction.atomic
def register_own(user: User, **licence) -> Organisation:
    """Register the organisation that `user` comes from, who becomes its owner; `licence` as for `register_organisation`.

    Raises EmailNotConfirmed, OfficersMayNotJoin, AlreadyActing, or what `register_organisation` refuses.
    """
    if not may_be_trusted_with(user):
        raise errors.EmailNotConfirmed
    # Two tabs of one person wait for each other here.
    User.objects.select_for_update().get(pk=user.pk)
    if own_organisations(user).exists():
        raise errors.AlreadyActing
    organisation = services.register_organisation(**licence, by=user)
    services.add_member(organisation, user, "owner", since=settings.CLOCK.today(), by=user)
    return organisation


@refuse_when_locked()
@transaction.atomic
def change_contacts(organisation: Organisation, user: User, *, seen: str, **contacts: str) -> Organisation:
    """Change the contact details (`CONTACTS`). Raises NotMember, MergedAway or ChangedMeanwhile.

    What stands there already is changed by nobody: the same form sent twice does nothing more.
    """
    if not is_member(user, organisation):
        raise errors.NotMember
    organisation = services.locked(organisation)
    changed = {name: contacts[name].strip() for name in CONTACTS}
    changed = {name: value for name, value in changed.items() if getattr(organisation, name) != value}
    if not changed:
        return organisation
    if seen_details(organisation) != seen:
        raise errors.ChangedMeanwhile
    for name, value in changed.items():
        setattr(organisation, name, value)
    rows.save(organisation, user)
    # Which fields, never what: a phone does not belong in the trail.
    note(user, "organisation.change_contacts", f"organisation:{organisation.pk}", changed=sorted(changed))
    return organisation


@refuse_when_locked()
@transaction.atomic
def change_account(
    organisation: Organisation,
    user: User,
    *,
    seen: str,
    holder_name: str,
    bank_name: str,
    branch: str,
    number: str,
) -> BankAccount:
    """From today grants go to this account. The same account once more changes nothing.

    Raises NotOwner, ChangedMeanwhile, or what `set_bank_account` refuses.
    """
    _require_owner(user, organisation)
    organisation = services.locked(organisation)
    today = settings.CLOCK.today()
    now = current_account(organisation, today)
    number = services.plain_account(number)
    if now and (now.number, now.bank_name, now.branch) == (number, bank_name.strip(), branch.strip()):
        return now
    if seen_account(now) != seen:
        raise errors.ChangedMeanwhile
    return services.set_bank_account(
        organisation, holder_name=holder_name, bank_name=bank_name, branch=branch, number=number, on=today, by=user
    )


@refuse_when_locked()
@transaction.atomic
def invite(organisation: Organisation, user: User, *, login: str, role: str) -> Membership:
    """Let the person who signs in as `login` (username or e-mail address) act for the organisation from today.

    Raises NotOwner, NoSuchPerson (also while their address is not confirmed: it might be somebody else's), or what
    `add_member` refuses.
    """
    _require_owner(user, organisation)
    person = user_by_login(login.strip())
    if person is None or not may_be_trusted_with(person):
        raise errors.NoSuchPerson
    return services.add_member(organisation, person, role, since=settings.CLOCK.today(), by=user)


@refuse_when_locked()
@transaction.atomic
def dismiss(membership: Membership, user: User) -> None:
    """From today the member no longer acts for the organisation. Owners may end anybody's membership, clerks their own.

    Raises NotOwner, or LastOwner: somebody has to answer for the organisation.
    """
    organisation = services.locked(membership.organisation)
    if membership.user_id != user.pk:
        _require_owner(user, organisation)
    in_force = members_of(organisation)
    standing = in_force.filter(pk=membership.pk).first()
    if standing is None:
        # Ended in another tab.
        return
    if standing.role == "owner" and not in_force.filter(role="owner").exclude(pk=standing.pk).exists():
        raise errors.LastOwner
    services.end_membership(standing, on=settings.CLOCK.today(), by=user)


def _require_owner(user: User, organisation: Organisation) -> None:
    if not members_of(organisation).filter(user=user, role="owner").exists():
        raise errors.NotOwner

"""Writing organisations. Each service audits what it did, in its transaction, and refuses in Chinese.

`by` is the user who acts, None for the system.
"""

import datetime as dt
import re
import unicodedata

from django.db import transaction

from accounts import rows
from accounts.encryption import fingerprint
from accounts.models import User
from accounts.records import note
from accounts.selectors import is_officer
from applicants import errors, uscc
from applicants.models import (
    HOME_CITY,
    BankAccount,
    Membership,
    Organisation,
    OrganisationName,
    Sanction,
)
from applicants.names import names_match
from applicants.selectors import name_on


@transaction.atomic
def register_organisation(
    *,
    code: str,
    name: str,
    category: str,
    address: str,
    legal_representative: str,
    contact_name: str,
    contact_phone: str,
    registered_on: dt.date,
    city: str = HOME_CITY,
    district: str = "",
    contact_email: str = "",
    document: str = "",
    by: User | None = None,
) -> Organisation:
    """A new organisation, with its first name from the day it was founded (`registered_on`).

    Raises InvalidUscc, AlreadyRegistered, NameMissing or DistrictNeeded.
    """
    code = uscc.normalise(code)
    if not uscc.is_valid(code):
        raise errors.InvalidUscc
    if not name.strip():
        raise errors.NameMissing
    if (city == HOME_CITY) != bool(district):
        raise errors.DistrictNeeded
    organisation = Organisation(
        uscc=code,
        category=category,
        city=city,
        district=district,
        address=address,
        legal_representative=legal_representative,
        contact_name=contact_name,
        contact_phone=contact_phone,
        contact_email=contact_email,
        registered_on=registered_on,
    )
    rows.insert(organisation, by, {"applicants_organisation_uscc_key": errors.AlreadyRegistered})
    _begin_name(organisation, name, registered_on, "registered", document, by)
    note(by, "organisation.register", _subject(organisation), uscc=code, name=name.strip())
    return organisation


@transaction.atomic
def rename(
    organisation: Organisation,
    name: str,
    *,
    on: dt.date,
    document: str = "",
    by: User | None = None,
    why: str = "renamed",
) -> OrganisationName:
    """From the day `on` the organisation is called `name`; what was printed before keeps the old name.

    Raises NameMissing, MergedAway, or BadNameDate when the present name began on `on` or later.
    """
    organisation = locked(organisation)
    if not name.strip():
        raise errors.NameMissing
    current = organisation.names.filter(valid_until=None).get()
    if on <= current.valid_from:
        raise errors.BadNameDate
    _end(current, on, by)
    row = _begin_name(organisation, name, on, why, document, by)
    note(by, "organisation.rename", _subject(organisation), old=current.name, new=row.name, on=str(on))
    return row


@transaction.atomic
def merge_into(
    organisation: Organisation, survivor: Organisation, *, on: dt.date, by: User | None = None
) -> Organisation:
    """`organisation` ceased on the day `on` and became part of `survivor`; its account ends with it.

    Those merged into it earlier now belong to the survivor too. Raises MergedAway when either is already
    part of another, BadNameDate when it was not yet called anything before `on`.
    """
    if organisation.pk == survivor.pk:
        raise errors.MergedAway("单位不能并入自己，请选择合并后存续的单位。")
    # In the order of their ids, so that two mergers never wait for each other.
    both = {each.pk: locked(each) for each in sorted((organisation, survivor), key=lambda each: each.pk)}
    organisation, survivor = both[organisation.pk], both[survivor.pk]
    name = organisation.names.filter(valid_until=None).get()
    if on <= name.valid_from:
        raise errors.BadNameDate
    _end(name, on, by)
    account = organisation.accounts.filter(valid_until=None).first()
    if account:
        _end(account, max(on, account.valid_from), by)
    for each in (organisation, *organisation.absorbed.all()):
        each.merged_into = survivor
        rows.save(each, by)
    note(by, "organisation.merge", _subject(organisation), into=_subject(survivor), on=str(on))
    return organisation


@transaction.atomic
def add_member(
    organisation: Organisation, user: User, role: str, *, since: dt.date, by: User | None = None
) -> Membership:
    """`user` acts for the organisation from `since` as `owner` or `clerk`.

    Raises MergedAway, AlreadyMember, or OfficersMayNotJoin: nobody handles one's own organisation's claims.
    """
    organisation = locked(organisation)
    if is_officer(user, since):
        raise errors.OfficersMayNotJoin
    membership = Membership(user=user, organisation=organisation, role=role, since=since)
    rows.insert(membership, by, {"membership_once_at_a_time": errors.AlreadyMember})
    note(by, "organisation.add_member", _subject(organisation), user=user.username, role=role)
    return membership


@transaction.atomic
def end_membership(membership: Membership, *, on: dt.date, by: User | None = None) -> None:
    """From the day `on` the user no longer acts for the organisation."""
    membership.until = max(on, membership.since)
    rows.save(membership, by)
    note(by, "organisation.end_membership", _subject(membership.organisation), user=membership.user.username)


@transaction.atomic
def set_bank_account(
    organisation: Organisation,
    *,
    holder_name: str,
    bank_name: str,
    number: str,
    on: dt.date,
    branch: str = "",
    corporate: bool = True,
    by: User | None = None,
) -> BankAccount:
    """From the day `on` grants are paid to this account; the one before it ends.

    Raises NotCorporate, BadAccountNumber, MergedAway, BadAccountDate when the present account began
    later, or AccountNameMismatch when the holder's name is not the organisation's name on that day.
    """
    organisation = locked(organisation)
    number = plain_account(number)
    if not corporate:
        raise errors.NotCorporate
    if not re.fullmatch(r"[0-9A-Z]{6,32}", number):
        raise errors.BadAccountNumber
    name = name_on(organisation, on)
    if not names_match(holder_name, name):
        raise errors.AccountNameMismatch(holder_name, name)
    previous = organisation.accounts.filter(valid_until=None).first()
    if previous and on < previous.valid_from:
        raise errors.BadAccountDate
    if previous:
        _end(previous, on, by)
    account = BankAccount(
        organisation=organisation,
        holder_name=holder_name.strip(),
        bank_name=bank_name.strip(),
        branch=branch.strip(),
        number=number,
        fingerprint=fingerprint(number),
        valid_from=on,
    )
    rows.insert(account, by, {})
    note(by, "organisation.set_account", _subject(organisation), account=account.pk, bank=account.bank_name)
    return account


@transaction.atomic
def add_sanction(
    code: str, *, list_name: str, reason: str, source: str, listed_on: dt.date, by: User | None = None
) -> Sanction:
    """Put the body with credit code `code` on a list. Raises InvalidUscc or AlreadySanctioned."""
    code = uscc.normalise(code)
    if not uscc.is_valid(code):
        raise errors.InvalidUscc
    sanction = Sanction(uscc=code, list_name=list_name, reason=reason, source=source, listed_on=listed_on)
    rows.insert(sanction, by, {"sanction_once_at_a_time": errors.AlreadySanctioned})
    note(by, "sanction.add", f"uscc:{code}", list_name=list_name, listed_on=str(listed_on))
    return sanction


@transaction.atomic
def lift_sanction(sanction: Sanction, *, on: dt.date, by: User | None = None) -> None:
    """From the day `on` the entry no longer counts."""
    sanction.lifted_on = max(on, sanction.listed_on)
    rows.save(sanction, by)
    note(by, "sanction.lift", f"uscc:{sanction.uscc}", list_name=sanction.list_name, on=str(on))


def plain_account(number: str) -> str:
    """An account number as it is stored: half width, without blanks and hyphens."""
    return re.sub(r"[\s-]", "", unicodedata.normalize("NFKC", number))


def locked(organisation: Organisation) -> Organisation:
    """The organisation as it stands now, locked until the transaction ends. Raises MergedAway."""
    row = Organisation.objects.select_for_update().get(pk=organisation.pk)
    if row.merged_into_id is not None:
        raise errors.MergedAway
    return row


def _begin_name(organisation, name, on, why, document, by) -> OrganisationName:
    row = OrganisationName(organisation=organisation, name=name.strip(), valid_from=on, why=why, document=document)
    rows.insert(row, by, {})
    return row


def _end(row, on: dt.date, by: User | None) -> None:
    row.valid_until = on
    rows.save(row, by)


def _subject(organisation: Organisation) -> str:
    return f"organisation:{organisation.pk}"

"""Reading organisations: names on a day, the account in force, sanctions, and who sees what."""

import datetime as dt
from collections.abc import Iterable

from django.conf import settings
from django.db.models import OuterRef, Q, QuerySet, Subquery

from accounts.selectors import is_officer
from applicants.errors import NoNameOnDate
from applicants.models import BankAccount, Membership, Organisation, OrganisationName, Sanction


def name_on(organisation: Organisation, on: dt.date) -> str:
    """What the organisation was called on the day `on`; one that ceased (merged) keeps its last name.

    Raises NoNameOnDate for a day before its first name.
    """
    name = names_on([organisation.pk], on).get(organisation.pk)
    if name is None:
        raise NoNameOnDate
    return name


def names_on(organisation_ids: Iterable[int], on: dt.date) -> dict[int, str]:
    """The names of many organisations on the day `on`, by id, in one query. The nameless are left out."""
    rows = OrganisationName.objects.filter(organisation__in=organisation_ids, valid_from__lte=on)
    return dict(rows.order_by("valid_from").values_list("organisation_id", "name"))


def with_current_name(organisations: QuerySet[Organisation]) -> QuerySet[Organisation]:
    """The same organisations, each with `current_name` (today's), which also becomes its `str()`."""
    today = settings.CLOCK.today()
    names = OrganisationName.objects.filter(organisation=OuterRef("pk"), valid_from__lte=today)
    return organisations.annotate(current_name=Subquery(names.order_by("-valid_from").values("name")[:1]))


def current_account(organisation: Organisation, on: dt.date) -> BankAccount | None:
    """The account in force on the day `on`, if there is one."""
    return (
        BankAccount.objects.filter(organisation=organisation, valid_from__lte=on)
        .filter(Q(valid_until=None) | Q(valid_until__gt=on))
        .first()
    )


def is_sanctioned(uscc: str, on: dt.date) -> bool:
    """Whether the body with the credit code `uscc` stands on any list on the day `on`."""
    return sanctions_in_force(on).filter(uscc=uscc).exists()


def sanctions_in_force(on: dt.date) -> QuerySet[Sanction]:
    """Every entry in force on the day `on`: from the day of listing until the day before lifting."""
    return Sanction.objects.filter(Q(lifted_on=None) | Q(lifted_on__gt=on), listed_on__lte=on)


def visible_to(user) -> QuerySet[Organisation]:
    """The organisations whose affairs `user` may see today: all for officers, else one's own.

    Members of an organisation see those that merged into it as well: rights and duties passed over.
    """
    if not user.is_authenticated or not user.is_active:
        return Organisation.objects.none()
    if is_officer(user):
        return Organisation.objects.all()
    today = settings.CLOCK.today()
    own = Organisation.objects.filter(
        Q(memberships__until=None) | Q(memberships__until__gt=today),
        memberships__since__lte=today,
        memberships__user=user,
    )
    return Organisation.objects.filter(Q(pk__in=own.values("pk")) | Q(merged_into__in=own.values("pk")))


def own_organisations(user) -> QuerySet[Organisation]:
    """The organisations that `user` acts for today, with `current_name`, in the order of joining; merged ones never."""
    today = settings.CLOCK.today()
    in_force = Membership.objects.filter(Q(until=None) | Q(until__gt=today), since__lte=today, user=user)
    # Whoever is added to another enterprise goes on acting for their own until they choose.
    joined = Subquery(in_force.filter(organisation=OuterRef("pk")).order_by("pk").values("pk")[:1])
    rows = Organisation.objects.filter(pk__in=in_force.values("organisation"), merged_into=None)
    return with_current_name(rows).order_by(joined) if user.is_active else rows.none()


def is_member(user, organisation: Organisation) -> bool:
    """Whether `user` acts for the organisation today, or for one that it was merged into."""
    today = settings.CLOCK.today()
    memberships = Membership.objects.filter(
        Q(organisation=organisation.pk) | Q(organisation=organisation.merged_into_id), user=user, since__lte=today
    )
    return user.is_active and memberships.filter(Q(until=None) | Q(until__gt=today)).exists()


def acting_for(user, on: dt.date) -> frozenset[int]:
    """The ids of the organisations that `user` is a member of on the day `on`; those merged into them follow."""
    in_force = Membership.objects.filter(Q(until=None) | Q(until__gt=on), since__lte=on, user=user)
    return frozenset(in_force.values_list("organisation", flat=True)) if user.is_active else frozenset()


def members_of(organisation: Organisation) -> QuerySet[Membership]:
    """Who acts for the organisation today, owners first, with their accounts."""
    today = settings.CLOCK.today()
    in_force = organisation.memberships.filter(Q(until=None) | Q(until__gt=today), since__lte=today)
    return in_force.select_related("user").order_by("-role", "since", "pk")


def own_sanctions(organisation: Organisation) -> QuerySet[Sanction]:
    """The entries on lists of the dishonest that name the organisation and are in force today."""
    return sanctions_in_force(settings.CLOCK.today()).filter(uscc=organisation.uscc).order_by("-listed_on")


def seen_details(organisation: Organisation) -> str:
    """Which state of the organisation's details a screen shows: the number of its latest history row."""
    latest = organisation.history.order_by("-history_id").values_list("history_id", flat=True).first()
    return str(latest or "")


def seen_account(account: BankAccount | None) -> str:
    """Which account a screen shows."""
    return str(account.pk) if account else ""

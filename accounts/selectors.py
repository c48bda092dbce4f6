"""Who may do what, read from the database each time: a role that ended counts no more."""

import datetime as dt

from django.conf import settings
from django.db.models import Q, QuerySet

from accounts.models import Officer, User


def offices_in_force(on: dt.date | None = None) -> QuerySet[Officer]:
    """Every role in force on the day `on` (today when None), of users whose account is active."""
    day = on or settings.CLOCK.today()
    return Officer.objects.filter(
        Q(valid_until=None) | Q(valid_until__gt=day), valid_from__lte=day, user__is_active=True
    )


def roles_of(user, on: dt.date | None = None) -> frozenset[str]:
    """The roles that `user` (may be anonymous) holds on the day `on` (today when None)."""
    if not user.is_authenticated:
        return frozenset()
    return frozenset(offices_in_force(on).filter(user=user.pk).values_list("role", flat=True))


def is_officer(user, on: dt.date | None = None) -> bool:
    """Whether `user` holds any role of the bureau on the day `on` (today when None)."""
    return bool(roles_of(user, on))


def user_by_login(login: str) -> User | None:
    """The user whose username, or e-mail address, is `login` in whatever case."""
    if not login:
        return None
    return User.objects.filter(Q(username__iexact=login) | Q(email__iexact=login)).first()

"""Who may call the API."""

from __future__ import annotations

from rest_framework.permissions import BasePermission

from accounts.selectors import is_officer
from applicants.web import organisation_of


class ActsForEnterprise(BasePermission):
    """The caller acts for an enterprise. Officers work in the admin, with a second factor."""

    message = "接口只供申报单位的经办人使用。请先在“本单位”页面登记单位，或请负责人添加您。"

    def has_permission(self, request, view) -> bool:
        """Whether the user belongs to an enterprise today."""
        return request.user.is_authenticated and not is_officer(request.user) and organisation_of(request) is not None

"""How the API words a refusal."""

from __future__ import annotations

from django.http import Http404
from rest_framework import exceptions, status
from rest_framework.response import Response
from rest_framework.views import exception_handler

from vouchers.claims.completeness import Incomplete
from vouchers.forms import REFUSALS
from vouchers.review.errors import StaleClaim
from vouchers.workflow import IllegalTransition


class FormInvalid(Exception):
    """What was sent does not fit the form; `fields` names each with its errors."""

    def __init__(self, form):
        self.fields = {name: [str(text) for text in texts] for name, texts in form.errors.items()}
        super().__init__("invalid")


def answer(error: Exception, context: dict) -> Response | None:
    """Every refusal as `{"code", "message"}`: 409 when the claim moved on, 422 when something is to be mended.

    An incomplete claim lists its `deficiencies`, a form its `fields`.
    """
    if isinstance(error, (StaleClaim, IllegalTransition)):
        return Response({"code": "conflict", "message": str(error)}, status.HTTP_409_CONFLICT)
    if isinstance(error, Incomplete):
        listed = [{"code": item.code, "message": item.message} for item in error.deficiencies]
        body = {"code": "incomplete", "message": str(error), "deficiencies": listed}
        return Response(body, status.HTTP_422_UNPROCESSABLE_ENTITY)
    if isinstance(error, REFUSALS):
        code = getattr(error, "code", "refused")
        return Response({"code": code, "message": str(error)}, status.HTTP_422_UNPROCESSABLE_ENTITY)
    if isinstance(error, FormInvalid):
        invalid = {"code": "invalid", "message": "有内容不符合要求，请更正后重试。", "fields": error.fields}
        return Response(invalid, status.HTTP_400_BAD_REQUEST)
    if isinstance(error, Http404):
        return Response({"code": "not_found", "message": "没有找到，或不属于本单位。"}, status.HTTP_404_NOT_FOUND)
    response = exception_handler(error, context)
    if response is not None and isinstance(error, exceptions.APIException):
        detail = error.detail if isinstance(error.detail, str) else "请求不符合要求。"
        response.data = {"code": getattr(error.detail, "code", error.default_code), "message": str(detail)}
    return response

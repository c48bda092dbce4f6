"""Tokens for programs. Each is shown once, kept as a hash, ends by itself and can be ended."""

from __future__ import annotations

from django.http import Http404
from drf_spectacular.utils import extend_schema
from knox.models import AuthToken
from rest_framework import serializers, status
from rest_framework.authentication import SessionAuthentication
from rest_framework.response import Response

from accounts.tokens import NoSuchToken, end_token, new_token, tokens_of
from vouchers.api.serializers import RefusalSerializer
from vouchers.api.views import Endpoint


class TokenSerializer(serializers.ModelSerializer):
    """A token without its secret."""

    class Meta:
        model = AuthToken
        fields = ["token_key", "created", "expiry"]


class NewTokenSerializer(serializers.Serializer):
    """A new token: the only time that `token` is shown."""

    token = serializers.CharField()
    expiry = serializers.DateTimeField()


class Tokens(Endpoint):
    """One's own tokens. Only a person who has signed in makes one: a token cannot make another."""

    authentication_classes = [SessionAuthentication]

    @extend_schema(responses=TokenSerializer(many=True))
    def get(self, request):
        """Those that have not ended."""
        return Response(TokenSerializer(tokens_of(request.user), many=True).data)

    @extend_schema(request=None, responses={201: NewTokenSerializer, 422: RefusalSerializer})
    def post(self, request):
        """Make one."""
        row, token = new_token(request.user)
        return Response({"token": token, "expiry": row.expiry}, status.HTTP_201_CREATED)


class Token(Endpoint):
    """One token."""

    authentication_classes = [SessionAuthentication]

    @extend_schema(responses={204: None})
    def delete(self, request, key):
        """End it at once."""
        try:
            end_token(request.user, key)
        except NoSuchToken as error:
            raise Http404 from error
        return Response(status=status.HTTP_204_NO_CONTENT)

"""The site's addresses, and one page more: a session, a sign-in, the layout and one query. See portal.py."""

from django.http import HttpResponse
from django.template import engines
from django.urls import path

from accounts.walls import MEMBER, for_roles
from config.urls import urlpatterns as site
from vouchers.calls.models import Call

PAGE = """{% extends "base.html" %}{% block title %}测量{% endblock %}
{% block main %}<h1>{{ call.title }}</h1>{% endblock %}"""


@for_roles(MEMBER)
def yardstick(request):
    """One query beside what the layout itself asks."""
    page = engines["django"].from_string(PAGE)
    return HttpResponse(page.render({"call": Call.objects.first()}, request))


urlpatterns = [path("yardstick/", yardstick), *site]

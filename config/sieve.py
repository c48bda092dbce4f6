"""What no browser sends and nothing behind this can use: taken out, or refused, before anybody reads the request."""

import re
from collections.abc import Callable

from django.core.exceptions import BadRequest
from django.http import Http404
from django.utils.deprecation import MiddlewareMixin
from django.views.defaults import bad_request

_UTF8 = ("utf-8", "utf8")
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([^;\"'\s]*)[^;]*", re.IGNORECASE)


def sieved(application: Callable) -> Callable:
    """The WSGI application; a codec of Python's that is no character set ("hex") breaks Django before any middleware."""

    def serve(environ, start_response):
        kind = environ.get("CONTENT_TYPE", "")
        found = _CHARSET.search(kind)
        if found and found[1].lower() not in _UTF8:
            environ["CONTENT_TYPE"] = _CHARSET.sub("charset=unknown", kind)
        return application(environ, start_response)

    return serve


class Sieve(MiddlewareMixin):
    """PostgreSQL keeps no NUL and Python's codecs are no character sets: neither gets as far as a view."""

    def process_request(self, request):
        """400 for another character set than UTF-8, 404 for a path with NUL; other NULs are left out."""
        if request.content_params.get("charset", "utf-8").strip("\"'").lower() not in _UTF8:
            return bad_request(request, BadRequest("not UTF-8"))
        if "\0" in request.path_info:
            raise Http404
        query = request.META.get("QUERY_STRING", "")
        if "%00" in query or "\0" in query:
            request.META["QUERY_STRING"] = query.replace("%00", "").replace("\0", "")
        request.COOKIES = {name: value for name, value in request.COOKIES.items() if "\0" not in value}
        if not request.META.get("HTTP_AUTHORIZATION", "").isascii():
            del request.META["HTTP_AUTHORIZATION"]
        return None

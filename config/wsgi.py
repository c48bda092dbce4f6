"""The web server's way in."""

import os

from django.core.wsgi import get_wsgi_application

from config.sieve import sieved

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = sieved(get_wsgi_application())

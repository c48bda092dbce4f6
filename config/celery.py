"""The Celery application. Tasks live in `vouchers.tasks` and do nothing but fetch and call."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("vouchers")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["vouchers"])

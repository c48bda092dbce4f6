"""The demonstration does the whole main job with a real worker, and a second time beside the first."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from tests.faults.celery_worker import worker
from vouchers.claims.models import Claim
from vouchers.documents.models import Document
from vouchers.management.demo import signins
from vouchers.management.demo.cast import DATA
from vouchers.management.demo.panorama import show_every_state
from vouchers.management.demo.story import Story
from vouchers.review.replay import check_review

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_demonstration_runs_twice_and_the_books_balance(broker, tmp_path, settings):
    settings.MEDIA_ROOT.mkdir()
    with worker(broker.url, tmp_path / "worker.log"):
        told = StringIO()
        call_command("demo", "--once", stdout=told)
        call_command("demo", "--once", stdout=told)
    assert told.getvalue().count("[核对] 账目相符") == 2
    assert Claim.objects.filter(state="paid").count() == Claim.objects.count() == 6
    assert Document.objects.filter(kind="letter").count() == 6
    assert Document.objects.filter(kind="roster").count() == 2
    assert signins.path().stat().st_mode & 0o077 == 0
    checked = StringIO()
    call_command("check_books", stdout=checked)
    assert json.loads(checked.getvalue())["ok"] is True


def test_the_demonstration_never_runs_in_production(settings):
    settings.LOCAL = False
    with pytest.raises(CommandError, match="本地"):
        call_command("demo")


def test_a_step_that_goes_wrong_fails_the_command(settings, monkeypatch):
    monkeypatch.setattr("vouchers.management.demo.story.EXPORT_SECONDS", 0)
    settings.MEDIA_ROOT.mkdir()
    with pytest.raises(CommandError, match="演示没有完成"):
        call_command("demo", "--once", stdout=StringIO())


def test_every_state_a_claim_may_rest_in_is_there_to_look_at(settings):
    settings.MEDIA_ROOT.mkdir()
    told = []
    show_every_state(Story(told.append))
    states = [part["state"] for part in DATA["panorama"]]
    assert sorted(Claim.objects.values_list("state", flat=True)) == sorted(states)
    assert len(told) == 1
    assert check_review()[1] == []
    clerks = [row for row in json.loads(signins.path().read_text()).values() if not row["secret"]]
    assert len(clerks) == sum(part.get("signs_in", False) for part in DATA["panorama"])

"""Sealed fields: ciphertext in the database, loud when they cannot be opened, keys that rotate."""

import base64
import secrets

import pytest
from django.core.exceptions import FieldError, ImproperlyConfigured
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from accounts import encryption
from accounts.models import User

OLD, NEW, OTHER = (base64.b64encode(bytes([n]) * 32).decode() for n in (1, 2, 3))


@given(st.text())
def test_what_was_sealed_opens_again(text):
    sealed = encryption.encrypt(text)
    assert encryption.decrypt(sealed) == text
    assert len(text) < 6 or text not in sealed


def test_the_same_text_is_never_sealed_the_same_way_twice():
    assert encryption.encrypt("6222020200112233") != encryption.encrypt("6222020200112233")


def test_an_older_key_still_opens_after_a_rotation_and_the_newest_seals(settings):
    settings.FIELD_KEYS = [OLD]
    before = encryption.encrypt("13812345678")
    settings.FIELD_KEYS = [NEW, OLD]
    assert encryption.decrypt(before) == "13812345678"
    after = encryption.encrypt("13812345678")
    settings.FIELD_KEYS = [NEW]
    assert encryption.decrypt(after) == "13812345678"
    with pytest.raises(encryption.DecryptionFailed):
        encryption.decrypt(before)


def test_fingerprints_outlive_a_new_key_and_depend_on_the_key(settings):
    settings.FIELD_KEYS = [OLD]
    before = encryption.fingerprint("6222020200112233")
    settings.FIELD_KEYS = [NEW, OLD]
    assert encryption.fingerprint("6222020200112233") == before
    settings.FIELD_KEYS = [OTHER]
    assert encryption.fingerprint("6222020200112233") != before


def test_equal_texts_have_equal_fingerprints_and_others_do_not():
    assert encryption.fingerprint("1") == encryption.fingerprint("1") != encryption.fingerprint("2")


@pytest.mark.parametrize("stored", ["13812345678", "s1:00000000:AAAA", "s2:" + "0" * 8 + ":AAAA", "s1:x", "s1:a:???"])
def test_what_is_not_a_sealed_text_is_refused(stored):
    with pytest.raises(encryption.DecryptionFailed):
        encryption.decrypt(stored)


def test_one_changed_byte_is_refused():
    sealed = encryption.encrypt("13812345678")
    mark, key, payload = sealed.split(":")
    raw = bytearray(base64.b64decode(payload))
    raw[secrets.randbelow(len(raw))] ^= 1
    with pytest.raises(encryption.DecryptionFailed):
        encryption.decrypt(f"{mark}:{key}:{base64.b64encode(raw).decode()}")


@pytest.mark.parametrize("keys", [["not base64!"], [base64.b64encode(b"short").decode()], [""]])
def test_unusable_keys_are_refused_by_name(settings, keys):
    settings.FIELD_KEYS = keys
    with pytest.raises(ImproperlyConfigured, match="FIELD_KEYS"):
        encryption.check_keys()


def test_masks_show_the_ends_alone():
    assert encryption.masked_account("6222020200112233") == "**** 2233"
    assert encryption.masked_phone("13812345678") == "138****5678"
    assert encryption.masked_phone("12345") == encryption.masked_account("1234") == "****"
    assert encryption.masked_account("") == encryption.masked_phone("") == ""


@pytest.mark.django_db
def test_a_phone_is_ciphertext_in_the_table_and_in_its_history(make_user):
    user = make_user(phone="13812345678")
    with connection.cursor() as cursor:
        cursor.execute("SELECT phone FROM accounts_user UNION ALL SELECT phone FROM accounts_historicaluser")
        stored = [row[0] for row in cursor.fetchall()]
    assert len(stored) == 2
    assert all(text.startswith("s1:") and "13812345678" not in text for text in stored)
    assert User.objects.get(pk=user.pk).phone == "13812345678"
    assert user.history.get().phone == "13812345678"


@pytest.mark.django_db
def test_an_update_by_queryset_seals_as_well(make_user):
    user = make_user()
    User.objects.filter(pk=user.pk).update(phone="13987654321")
    with connection.cursor() as cursor:
        cursor.execute("SELECT phone FROM accounts_user")
        assert cursor.fetchone()[0].startswith("s1:")


@pytest.mark.django_db
def test_a_row_that_cannot_be_opened_is_an_error_not_an_empty_phone(make_user):
    user = make_user(phone="13812345678")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE accounts_user SET phone = '13812345678'")
    with pytest.raises(encryption.DecryptionFailed):
        User.objects.get(pk=user.pk)


def test_searching_a_sealed_field_is_refused():
    with pytest.raises(FieldError, match="fingerprint"):
        User.objects.filter(phone="13812345678")

"""What must not be readable in the database: bank accounts, phones, second factors.

AES-256-GCM under keys derived (HKDF-SHA256) from `settings.FIELD_KEYS`, the newest first. A sealed
text names its key, so older keys keep decrypting after a rotation:

    s1:<first 8 hex of the key's SHA-256>:<base64 of nonce + ciphertext + tag>

Fingerprints use the *oldest* key, so that adding a new one does not change them: before the oldest key
is dropped, every sealed value must be written again and every fingerprint computed anew.
"""

import base64
import hashlib
import hmac
import secrets
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.core.exceptions import FieldError, ImproperlyConfigured
from django.db import models

_MARK = "s1"
_NONCE_BYTES = 12


class DecryptionFailed(Exception):
    """A sealed value could not be opened: the key is missing or the value was changed."""


def encrypt(text: str) -> str:
    """`text` sealed under the newest key. Empty text stays empty, so that “none” is visible as such."""
    if not text:
        return ""
    key_id, key = next(iter(_sealing_keys().items()))
    nonce = secrets.token_bytes(_NONCE_BYTES)
    sealed = AESGCM(key).encrypt(nonce, text.encode(), _MARK.encode())
    return f"{_MARK}:{key_id}:{base64.b64encode(nonce + sealed).decode()}"


def decrypt(sealed: str) -> str:
    """The text inside `sealed`. Raises DecryptionFailed; never hands back what it could not open."""
    if not sealed:
        return ""
    try:
        mark, key_id, payload = sealed.split(":")
        raw = base64.b64decode(payload, validate=True)
    except ValueError as error:
        raise DecryptionFailed("The stored value is not a sealed text.") from error
    key = _sealing_keys().get(key_id)
    if mark != _MARK or key is None:
        raise DecryptionFailed(f"No key {key_id!r} among FIELD_KEYS can open the stored value.")
    try:
        return AESGCM(key).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], _MARK.encode()).decode()
    except (InvalidTag, ValueError) as error:
        raise DecryptionFailed("The stored value has been changed.") from error


def fingerprint(text: str) -> str:
    """64 hex digits, equal for equal texts and telling nothing without the key (HMAC-SHA256)."""
    key = _derive(_raw_keys(tuple(settings.FIELD_KEYS))[-1], "fingerprint")
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def masked_account(text: str) -> str:
    """A bank account as screens show it: the last four characters."""
    return f"**** {text[-4:]}" if len(text) > 4 else "****" * bool(text)


def masked_phone(text: str) -> str:
    """A phone number as screens show it: the first three and the last four characters."""
    return f"{text[:3]}****{text[-4:]}" if len(text) > 7 else "****" * bool(text)


class EncryptedTextField(models.TextField):
    """Text in Python, sealed text in the database and in history tables.

    `masking` is "account" or "phone": how screens that show fields without being told how
    (the admin, row history) show this one. Lookups other than `isnull` are refused: equal texts have
    different ciphertexts; keep a `fingerprint` beside the field instead.
    """

    def __init__(self, *args, masking: str = "account", **kwargs):
        self.masking = masking
        super().__init__(*args, **kwargs)

    def deconstruct(self):
        # To a migration the column is plain text: it neither imports this module nor opens what is sealed.
        name, _path, args, kwargs = super().deconstruct()
        return name, "django.db.models.TextField", args, kwargs

    def clone(self):
        copy = super().clone()
        copy.masking = self.masking
        return copy

    def masked(self, value: str) -> str:
        """`value` as it may be shown to anyone who may see the row."""
        return (masked_phone if self.masking == "phone" else masked_account)(value or "")

    def get_db_prep_save(self, value, connection):
        if value is None or hasattr(value, "as_sql"):
            return super().get_db_prep_save(value, connection)
        return super().get_db_prep_save(encrypt(str(value)), connection)

    def from_db_value(self, value, expression, connection):
        return value if value is None else decrypt(value)

    def get_lookup(self, lookup_name):
        if lookup_name != "isnull":
            raise FieldError(f"{self.name} is encrypted and cannot be searched; search its fingerprint.")
        return super().get_lookup(lookup_name)


def check_keys() -> None:
    """Fail loudly, at start, when FIELD_KEYS cannot be used."""
    _raw_keys(tuple(settings.FIELD_KEYS))


def _sealing_keys() -> dict[str, bytes]:
    return _sealing_keys_from(tuple(settings.FIELD_KEYS))


@lru_cache(maxsize=8)
def _sealing_keys_from(encoded: tuple[str, ...]) -> dict[str, bytes]:
    """Key id to key, the newest first."""
    return {hashlib.sha256(raw).hexdigest()[:8]: _derive(raw, "field") for raw in _raw_keys(encoded)}


@lru_cache(maxsize=8)
def _raw_keys(encoded: tuple[str, ...]) -> list[bytes]:
    try:
        keys = [base64.b64decode(key, validate=True) for key in encoded]
    except ValueError as error:
        raise ImproperlyConfigured("FIELD_KEYS must be base64, comma separated.") from error
    if not keys or any(len(key) != 32 for key in keys):
        raise ImproperlyConfigured("Each of FIELD_KEYS must be 32 bytes in base64.")
    return keys


def _derive(raw: bytes, purpose: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=f"compute-vouchers {purpose}".encode()).derive(raw)

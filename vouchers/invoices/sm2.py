"""SM2 signatures (GB/T 32918.2) verified with SM3: the one primitive that seals need and OpenSSL's bindings lack.

Verification only, of public data, so nothing here is secret and time tells nothing. Plain integers verify in a few
milliseconds; the tests compare every answer with an independent implementation.
"""

from __future__ import annotations

import hashlib

_P = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
_A = _P - 3
_B = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
_N = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
_G = (
    0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7,
    0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0,
)
# The signer's name that GM/T 0009 fixes where none is agreed on.
_USUAL_NAME = b"1234567812345678"

Point = tuple[int, int]
# x and y as shares of z² and z³; z = 0 is the point at infinity.
_Jacobian = tuple[int, int, int]
_INFINITY = (1, 1, 0)


def sm3(data: bytes) -> bytes:
    """The SM3 digest, 32 bytes."""
    return hashlib.new("sm3", data).digest()


def point(encoded: bytes) -> Point:
    """The point of an uncompressed key (0x04, x, y). Raises ValueError for anything that is not on the curve."""
    if len(encoded) != 65 or encoded[0] != 4:
        raise ValueError("no uncompressed SM2 key")
    x, y = int.from_bytes(encoded[1:33], "big"), int.from_bytes(encoded[33:], "big")
    if x >= _P or y >= _P or (y * y - x * x * x - _A * x - _B) % _P:
        raise ValueError("no point of the curve")
    return x, y


def verified(key: bytes, message: bytes, r: int, s: int) -> bool:
    """Whether (r, s) signs `message` under the encoded public `key`. Raises ValueError where the key is none."""
    public = point(key)
    if not (0 < r < _N and 0 < s < _N) or (r + s) % _N == 0:
        return False
    numbers = b"".join(number.to_bytes(32, "big") for number in (_A, _B, *_G))
    name = (8 * len(_USUAL_NAME)).to_bytes(2, "big") + _USUAL_NAME
    digest = int.from_bytes(sm3(sm3(name + numbers + key[1:]) + message), "big")
    x = _sum_of_products(s, (r + s) % _N, public)
    return x is not None and (digest + x) % _N == r


def _sum_of_products(s: int, t: int, public: Point) -> int | None:
    """The x of s·G + t·public, or None at infinity; both products share their doublings."""
    both = _affine(_add((*_G, 1), public))
    total: _Jacobian = _INFINITY
    for bit in range(255, -1, -1):
        total = _double(total)
        chosen = (s >> bit & 1, t >> bit & 1)
        if chosen == (1, 1):
            total = _add(total, both) if both else total
        elif chosen == (1, 0):
            total = _add(total, _G)
        elif chosen == (0, 1):
            total = _add(total, public)
    affine = _affine(total)
    return affine[0] if affine else None


def _affine(one: _Jacobian) -> Point | None:
    x, y, z = one
    if z == 0:
        return None
    inverse = pow(z, -1, _P)
    square = inverse * inverse % _P
    return x * square % _P, y * square * inverse % _P


def _double(one: _Jacobian) -> _Jacobian:
    x, y, z = one
    if z == 0 or y == 0:
        return _INFINITY
    y2 = y * y % _P
    s = 4 * x * y2 % _P
    z2 = z * z % _P
    m = 3 * (x - z2) * (x + z2) % _P
    x3 = (m * m - 2 * s) % _P
    return x3, (m * (s - x3) - 8 * y2 * y2) % _P, 2 * y * z % _P


def _add(one: _Jacobian, other: Point) -> _Jacobian:
    x1, y1, z1 = one
    x2, y2 = other
    if z1 == 0:
        return x2, y2, 1
    z1z1 = z1 * z1 % _P
    h = (x2 * z1z1 - x1) % _P
    r = (y2 * z1 * z1z1 - y1) % _P
    if h == 0:
        return _double(one) if r == 0 else _INFINITY
    h2 = h * h % _P
    h3 = h * h2 % _P
    v = x1 * h2 % _P
    x3 = (r * r - h3 - 2 * v) % _P
    return x3, (r * (v - x3) - y1 * h3) % _P, h * z1 % _P

"""Sharing a pool that is too small: what a settlement gives, and what the what-if supposes that it would give."""

from __future__ import annotations

from collections.abc import Sequence

from vouchers import money


def settled(asked: Sequence[int], pool_fen: int, least_fen: int) -> list[int]:
    """`asked` cut alike to what the pool has; parts below `least_fen` drop out once, and the rest is shared anew.

    Floored to the fen; the fen left over go to the largest remainders, the earlier first. Who is left gets no less than
    before, so a part below `least_fen` is one that dropped out: it is 0.
    """
    parts = _cut(asked, pool_fen)
    kept = [fen if part >= least_fen else 0 for fen, part in zip(asked, parts, strict=True)]
    return parts if kept == list(asked) else _cut(kept, pool_fen)


def _cut(asked: Sequence[int], pool_fen: int) -> list[int]:
    return list(asked) if sum(asked) <= pool_fen else money.share(pool_fen, asked)

"""The ledger once more, as a few dictionaries: what each verb must do to the balances, and when it must refuse."""

from __future__ import annotations

from collections import defaultdict

# What a verb is refused with, by the name of the exception.
SHORT, TOO_MUCH_BACK, OTHER_CAP = "InsufficientFunds", "ExceedsOriginal", "CapDiffers"

Legs = list[tuple[str, str, int]]


class PlainLedger:
    """Balances by account. Every verb answers why it is refused, or None, and has then moved the money."""

    def __init__(self, scheme: str, cap_fen: int):
        self.scheme, self.cap_fen = scheme, cap_fen
        self.balance: dict[str, int] = defaultdict(int)
        self.came: dict[tuple[str, str], int] = defaultdict(int)  # of holds, less what was released, by both ends
        self.left: dict[str, list] = {}  # of each payment: its claim, and what can still come back
        self.opened: dict[str, int] = {}  # each cap's first amount
        self.caps: dict[str, int] = {}  # each cap's amount with its adjustments

    def pool(self, year: int) -> str:
        return f"pool:{self.scheme}:{year}"

    def cap(self, firm: object) -> str:
        return f"cap:{self.scheme}:2025:{firm}"

    def fund(self, year: int, fen: int) -> str | None:
        return self._move([("treasury", self.pool(year), fen)])

    def hold(self, claim: object, firm: object, year: int, fen: int, cap_fen: int) -> str | None:
        cap, pool = self.cap(firm), self.pool(year)
        if self.opened.get(cap) != cap_fen and self.caps.get(cap, cap_fen) != cap_fen:
            return OTHER_CAP
        opening = [] if cap in self.caps else [("statute", cap, cap_fen)]
        legs = [(pool, f"held:{claim}", fen), (cap, f"capused:{claim}", fen)]
        refusal = self._move([*opening, *legs])
        if refusal is None:
            if opening:
                self.opened[cap] = self.caps[cap] = cap_fen
            for source, target, moved in legs:
                self.came[source, target] += moved
        return refusal

    def release(self, claim: object, firm: object, year: int, fen: int) -> str | None:
        legs = [(f"held:{claim}", self.pool(year), fen), (f"capused:{claim}", self.cap(firm), fen)]
        return self._move(legs, too_much=any(fen > self.came[target, source] for source, target, _ in legs), back=legs)

    def pay(self, claim: object, fen: int, payment: str) -> str | None:
        refusal = self._move([(f"held:{claim}", f"paid:{claim}", fen)])
        if refusal is None:
            self.left[payment] = [claim, fen]
        return refusal

    def bounce(self, claim: object, fen: int, payment: str) -> str | None:
        return self._return(claim, [(f"paid:{claim}", f"held:{claim}", fen)], fen, payment)

    def recover(
        self, claim: object, firm: object, year: int, fen: int, payment: str, *, to: str, room: bool
    ) -> str | None:
        legs = [(f"paid:{claim}", "treasury" if to == "treasury" else self.pool(year), fen)]
        taken = [(f"capused:{claim}", self.cap(firm), fen)] if room else []
        return self._return(claim, [*legs, *taken], fen, payment, back=taken)

    def lapse(self, year: int, fen: int) -> str | None:
        return self._move([(self.pool(year), "treasury", fen)])

    def carry(self, year: int, to_year: int, fen: int) -> str | None:
        return self._move([(self.pool(year), self.pool(to_year), fen)])

    def adjust_pool(self, year: int, delta: int) -> str | None:
        ends = ("treasury", self.pool(year)) if delta > 0 else (self.pool(year), "treasury")
        return self._move([(*ends, abs(delta))])

    def adjust_cap(self, firm: object, delta: int) -> str | None:
        cap = self.cap(firm)
        refusal = self._move([("statute", cap, delta) if delta > 0 else (cap, "statute", -delta)])
        if refusal is None:
            self.caps[cap] = self.caps.get(cap, 0) + delta
        return refusal

    def _return(self, claim: object, legs: Legs, fen: int, payment: str, back: Legs = []) -> str | None:  # noqa: B006
        owner, left = self.left[payment]
        too_much = owner != claim or fen > left or any(fen > self.came[target, source] for source, target, _ in back)
        refusal = self._move(legs, too_much=too_much, back=back)
        if refusal is None:
            self.left[payment][1] -= fen
        return refusal

    def _move(self, legs: Legs, *, too_much: bool = False, back: Legs = []) -> str | None:  # noqa: B006
        then = defaultdict(int, self.balance)
        for source, target, fen in legs:
            then[source] -= fen
            then[target] += fen
        if any(then[end] < 0 for leg in legs for end in leg[:2] if end not in ("treasury", "statute")):
            return SHORT
        if too_much:
            return TOO_MUCH_BACK
        for source, target, fen in back:
            self.came[target, source] -= fen
        self.balance = then
        return None

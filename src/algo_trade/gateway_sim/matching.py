"""Who trades with what: the fill rules for the orders of one symbol, pure.

Nothing is known of the market but its best bid and ask, with their sizes, and the trade that led to each quote, if
there was one. The rules, each of them a line of docs/assumptions.md:

- A claim takes the displayed opposite side, at the displayed price, as many shares as are displayed and not taken yet,
  and only within its limit. Shares taken are gone until the feed shows that side with another price or size.
- A claim that finds the opposite side beyond its limit rests at its limit. Others are before it: everything displayed
  at that price when it came, or when that price first became the best; nobody, where it is alone at the best price.
- A trade on its side of the spread first eats who is before it, then fills it, up to the trade's size. Shares that
  leave the displayed queue without a trade left it evenly; shares that come join behind.
- When the opposite side comes to a resting claim, that is filled at its own price: improvement is never assumed.
- Our claims among themselves: any price first, then the better price, then the earlier arrival. They share what there
  is and never trade with one another.
- A claim that wants all or nothing, or a first fill of some size, is passed over by what is smaller than that.
- A hidden claim is behind everything displayed at its price, whenever that came. One that shows only a part of itself
  is filled part by part: each next part is a newcomer. Who comes to it or trades through it gets all of it at once.
- A claim pegged to the mid-point rests there unseen, better than the best, and moves with it.
- While paused nothing is filled, and what was displayed before is void.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Generic, TypeAlias, TypeVar

from algo_trade.gateway_sim.quotes import Quote


class Liquidity(IntEnum):
    """Whether a fill added liquidity, removed it, or neither (auctions); the value is what executions call it."""

    NEITHER = 0
    ADDED = 1
    REMOVED = 2


@dataclass(slots=True, eq=False)
class Claim:
    """What an order asks of the market: `shares` still wanted, at `limit_e4` or better (None: at any price).

    `price_e4` is where it rests, None while it takes; `ahead` is how many shares of others are before it there, None
    while its price is behind the best and nobody knows. `arrival` counts up over the book: who came to where it is
    earlier has the lower one. A `pegged` claim does not take: it rests at the best price of its own side, or `at_mid`,
    never beyond its limit. `whole` wants all its shares in one fill, `least` so many in its first one. A `hidden` claim
    is not displayed, one with `shown` only so many shares at a time, of which `slice` are left now.
    """

    is_buy: bool
    shares: int
    limit_e4: int | None
    pegged: bool = False
    price_e4: int | None = None
    ahead: int | None = None
    arrival: int = 0
    at_mid: bool = False
    whole: bool = False
    least: int = 0
    hidden: bool = False
    shown: int = 0
    slice: int = 0

    def accepts(self, shares: int) -> bool:
        """Whether it would take a fill of so many of its shares."""
        if self.whole:
            return shares == self.shares
        return shares >= min(self.least, self.shares)

    @property
    def bound_e4(self) -> int | None:
        """The worst price it may trade at now."""
        return self.limit_e4 if self.price_e4 is None else self.price_e4


ClaimT = TypeVar("ClaimT", bound=Claim)
OnFill: TypeAlias = Callable[[ClaimT, int, int, Liquidity], None]


class Book(Generic[ClaimT]):
    """The claims on one symbol. `on_fill(claim, shares, price_e4, liquidity)` hears of each fill as it happens.

    It may call `leave` and `shrink`, but nothing that lets a claim trade.
    """

    def __init__(self, on_fill: OnFill[ClaimT]) -> None:
        self._on_fill = on_fill
        self._claims: list[ClaimT] = []
        self._quote: Quote | None = None
        self._bid_taken = 0
        self._ask_taken = 0
        self._paused = False
        self._arrivals = 0

    # -- claims ------------------------------------------------------------------------------------
    def enter(self, claim: ClaimT) -> None:
        """A claim arrives: it takes what it may and rests with what is left."""
        assert claim.shares > 0, "a claim wants something"
        assert claim.price_e4 is None, "a claim arrives once"
        self._claims.append(claim)
        self._arrives(claim)
        if self._quote is not None and not self._paused:
            self._place(claim, self._quote)

    def can_fill(self, claim: ClaimT) -> bool:
        """Whether the claim would be filled whole and at once, were it to enter now."""
        if self._quote is None or self._paused:
            return False
        price_e4, left = self._opposite(claim, self._quote)
        return left >= claim.shares and _within(claim, price_e4)

    def leave(self, claim: ClaimT) -> None:
        """A claim is withdrawn, if it is here: it wants nothing any more."""
        claim.shares = 0
        self._claims = [other for other in self._claims if other is not claim]

    def shrink(self, claim: ClaimT, shares: int) -> None:
        """A claim wants less, and keeps its place."""
        assert 0 < shares <= claim.shares, "only less keeps the place"
        claim.shares = shares
        claim.slice = min(claim.slice, shares)

    def unpeg(self, claim: ClaimT) -> None:
        """A pegged claim takes from now on, within its limit."""
        claim.pegged, claim.price_e4, claim.ahead = False, None, None
        self._arrives(claim)
        if self._quote is not None and not self._paused:
            self._place(claim, self._quote)

    def _arrives(self, claim: ClaimT) -> None:
        self._arrivals += 1
        claim.arrival = self._arrivals

    # -- the market --------------------------------------------------------------------------------
    def show(self, quote: Quote) -> None:
        """A new quote, and the trade that led to it."""
        before, self._quote = self._quote, quote
        if self._bid_taken and (before is None or before[1:5:2] != quote[1:5:2]):
            self._bid_taken = 0
        if self._ask_taken and (before is None or before[2:5:2] != quote[2:5:2]):
            self._ask_taken = 0
        if self._claims and not self._paused:
            if before is not None and quote.trade_size > 0 and quote.trade_e4 > 0:
                self._trade(before, quote.trade_e4, quote.trade_size)
            self._move_on(before, quote)

    def pause(self) -> None:
        """Nothing is filled until `resume`; what is displayed from here on counts then, what was before does not."""
        self._paused = True
        self._quote = None
        self._bid_taken = self._ask_taken = 0

    def resume(self) -> None:
        """Go on: all claims are tried against what has been displayed since the pause began, if anything was."""
        self._paused = False
        if self._quote is not None:
            self._move_on(None, self._quote)

    def _move_on(self, before: Quote | None, quote: Quote) -> None:
        for claim in self._claims:
            if claim.price_e4 is not None:
                _queue(claim, before, quote)
            if claim.pegged:
                self._peg(claim, quote)
        for claim in sorted(self._claims, key=_priority):
            if claim.shares:
                self._try(claim, quote)

    # -- takers, and makers the market comes to ------------------------------------------------------
    def _place(self, claim: ClaimT, quote: Quote) -> None:
        if claim.pegged:
            self._peg(claim, quote)
        self._try(claim, quote)

    def _try(self, claim: ClaimT, quote: Quote) -> None:
        """Trade with what is displayed; rest where that is out of reach."""
        if claim.pegged and claim.price_e4 is None:
            return  # there is nothing on its side yet to be pegged to
        price_e4, left = self._opposite(claim, quote)
        if not price_e4 or not _within(claim, price_e4):
            if claim.price_e4 is None and claim.limit_e4 is not None:
                _rest(claim, claim.limit_e4, quote)
            return
        shares = min(claim.shares, left)
        if shares == 0 or not claim.accepts(shares):
            return
        if claim.is_buy:
            self._ask_taken += shares
        else:
            self._bid_taken += shares
        if claim.price_e4 is None:
            self._fill(claim, shares, price_e4, Liquidity.REMOVED)
        else:
            self._fill(claim, shares, claim.price_e4, Liquidity.ADDED)

    def _peg(self, claim: ClaimT, quote: Quote) -> None:
        """Follow the best price of the claim's own side, or the mid, up to its limit; elsewhere it is a newcomer."""
        best_e4, size = _side(quote, bid=claim.is_buy)
        if claim.at_mid:
            other_e4, there = _side(quote, bid=not claim.is_buy)
            best_e4, size = (best_e4 + other_e4) // 2, min(size, there)
        if size == 0:
            return
        limit_e4 = claim.limit_e4
        price_e4 = limit_e4 if limit_e4 is not None and _better(best_e4, limit_e4, claim.is_buy) else best_e4
        if price_e4 != claim.price_e4:
            self._arrives(claim)
            _rest(claim, price_e4, quote)

    def _opposite(self, claim: ClaimT, quote: Quote) -> tuple[int, int]:
        """The price a claim could trade at and the shares left there for us; (0, 0) where nobody is."""
        price_e4, size = _side(quote, bid=not claim.is_buy)
        return price_e4, max(0, size - (self._ask_taken if claim.is_buy else self._bid_taken))

    # -- makers, filled by trades of others ----------------------------------------------------------
    def _trade(self, before: Quote, price_e4: int, size: int) -> None:
        """Somebody traded. At or below the bid it was a seller, who meets our buys; at or above the ask a buyer, who
        meets our sells; in between nobody can tell, and both meet it, our buys first."""
        bid_e4, _ = _side(before, bid=True)
        ask_e4, _ = _side(before, bid=False)
        if price_e4 <= bid_e4 or not ask_e4 or price_e4 < ask_e4:
            size = self._meet(True, price_e4, size)
        if price_e4 > bid_e4 or price_e4 >= ask_e4 > 0:
            self._meet(False, price_e4, size)

    def _meet(self, is_buy: bool, price_e4: int, size: int) -> int:
        """A trade of so many shares meets our resting claims of one side; returns what they left of it."""
        eaten = 0  # shares of others at this price
        at_price = []
        for claim in sorted(self._claims, key=_priority):
            if claim.is_buy is not is_buy or claim.price_e4 is None or not claim.shares:
                continue
            if claim.price_e4 != price_e4:
                if not _better(claim.price_e4, price_e4, is_buy):
                    break
            elif claim.ahead is None:
                continue
            else:
                at_price.append(claim)
                others = min(size, max(0, claim.ahead - eaten))
                eaten, size = eaten + others, size - others
            displayed = claim.slice if claim.slice and claim.price_e4 == price_e4 else claim.shares
            shares = min(size, displayed)
            if shares and claim.accepts(shares):
                size -= shares
                self._fill(claim, shares, claim.price_e4, Liquidity.ADDED)
        for claim in at_price:
            if claim.ahead is not None:
                claim.ahead = max(0, claim.ahead - eaten)
        return size

    def _fill(self, claim: ClaimT, shares: int, price_e4: int, liquidity: Liquidity) -> None:
        assert 0 < shares <= claim.shares, "no claim gets more than it asks for"
        claim.shares -= shares
        claim.least = 0
        if claim.slice:
            self._slice(claim, shares)
        if not claim.shares:
            self._claims = [other for other in self._claims if other is not claim]
        self._on_fill(claim, shares, price_e4, liquidity)

    def _slice(self, claim: ClaimT, shares: int) -> None:
        """What is displayed of the claim was filled: when it is used up the next part comes, as a newcomer."""
        claim.slice = min(claim.slice - min(shares, claim.slice), claim.shares)
        if not claim.slice and claim.shares:
            claim.slice = min(claim.shown, claim.shares)
            claim.ahead = None
            self._arrives(claim)


# -- places in the queue -----------------------------------------------------------------------------
def _side(quote: Quote, *, bid: bool) -> tuple[int, int]:
    """The best price of a side and its size; (0, 0) where nobody is."""
    price_e4, size = (quote.bid_e4, quote.bid_size) if bid else (quote.ask_e4, quote.ask_size)
    return (price_e4, size) if price_e4 > 0 and size > 0 else (0, 0)


def _rest(claim: Claim, price_e4: int, quote: Quote) -> None:
    """Join the queue at a price: behind everything displayed there."""
    best_e4, size = _side(quote, bid=claim.is_buy)
    claim.price_e4 = price_e4
    claim.slice = min(claim.shown, claim.shares)
    if size == 0 or _better(price_e4, best_e4, claim.is_buy):
        claim.ahead = 0
    else:
        claim.ahead = size if price_e4 == best_e4 else None


def _queue(claim: Claim, before: Quote | None, quote: Quote) -> None:
    """What a new quote does to the place of a resting claim."""
    assert claim.price_e4 is not None
    best_e4, size = _side(quote, bid=claim.is_buy)
    if size == 0 or _better(claim.price_e4, best_e4, claim.is_buy):
        claim.ahead = 0  # whoever was at our price has left it
    elif claim.price_e4 == best_e4:
        if claim.hidden or claim.ahead is None:
            claim.ahead = size
            return
        ahead = claim.ahead
        was_e4, stood = (0, 0) if before is None else _side(before, bid=claim.is_buy)
        if was_e4 == best_e4:
            if quote.trade_e4 == was_e4:
                stood = max(0, stood - quote.trade_size)
            if size < stood:
                # Rounded against us: a part of a share that may be before us is before us.
                ahead -= ahead * (stood - size) // stood
        claim.ahead = min(ahead, size)


def _better(price_e4: int, than_e4: int, is_buy: bool) -> bool:
    """Whether a resting price has the better claim."""
    return price_e4 > than_e4 if is_buy else price_e4 < than_e4


def _within(claim: Claim, price_e4: int) -> bool:
    bound_e4 = claim.bound_e4
    return bound_e4 is None or not _better(price_e4, bound_e4, claim.is_buy)


def _priority(claim: Claim) -> tuple[int, int, bool, int]:
    """Any price first, then the better price, then who is displayed, then the earlier arrival."""
    bound_e4 = claim.bound_e4
    if bound_e4 is None:
        return 0, 0, claim.hidden, claim.arrival
    return 1, -bound_e4 if claim.is_buy else bound_e4, claim.hidden, claim.arrival

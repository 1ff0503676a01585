"""A second opinion on fills, which knows the rules and nothing of how the engine keeps them.

It is told what the engine is told, and every fill. It keeps no queue: for each claim it adds up what has been traded
and cancelled at its price since it came, and from those sums says how much it may have got at most, and must have got
at least.
"""

from __future__ import annotations

from dataclasses import dataclass

from algo_trade.gateway_sim.quotes import Quote


@dataclass(eq=False)
class Watched:
    """One claim as the checker sees it. `joined` is the queue displayed when it came to its price, None before.

    Who wants all or nothing, is hidden or shows a part of itself may be passed over: of them the checker knows what
    they may get at most, of the others also what they must get.
    """

    number: int
    is_buy: bool
    limit: int | None
    wanted: int
    pegged: bool
    at_mid: bool = False
    whole: bool = False
    least: int = 0
    hidden: bool = False
    shown: int = 0
    live: bool = True
    since: int = 0  # when it came to where it is, among our claims
    rests: bool = False
    joined: int | None = None
    was_alone: bool = False
    traded: int = 0  # at its price since it joined
    surely: int = 0  # of that, by trades that cannot have met our claims of the other side
    left_queue: int = 0  # shares that left its price without a trade since it joined
    ours: int = 0  # shares all our claims of its side were given meanwhile
    from_trades: int = 0  # shares it was given while it could only be from trades at its price

    @property
    def may_be_passed(self) -> bool:
        return self.whole or self.least > 0 or self.hidden or self.shown > 0

    @property
    def smallest(self) -> int:
        """The smallest fill it may be given."""
        return self.wanted if self.whole else min(self.wanted, max(1, self.least))


@dataclass(frozen=True)
class Given:
    """One fill."""

    claim: Watched
    shares: int
    price: int
    removed: bool


class FillChecker:
    """Raises AssertionError at the first fill that breaks a rule, or is missing."""

    def __init__(self) -> None:
        self.claims: dict[int, Watched] = {}
        self._quote: Quote | None = None
        self._paused = False
        self._taken = {True: 0, False: 0}  # by our buys of the ask, by our sells of the bid
        self._unsure = {True: False, False: False}  # whether some of that may have been from a trade instead
        self._given: list[Given] = []
        self._arrivals = 0

    # -- what the engine is told -------------------------------------------------------------------
    def enter(self, claim: Watched) -> None:
        self.claims[claim.number] = claim
        self._arrives(claim)

    def entered(self, claim: Watched) -> None:
        self._judge(None)
        self._joins(claim)

    def unpegged(self, claim: Watched) -> None:
        claim.pegged = False
        self._arrives(claim)
        self._judge(None)
        self._joins(claim)

    def _arrives(self, claim: Watched) -> None:
        self._arrivals += 1
        claim.since = self._arrivals

    def leave(self, number: int) -> None:
        self.claims[number].live = False

    def shrink(self, number: int, shares: int) -> None:
        self.claims[number].wanted = shares

    def pause(self) -> None:
        self._paused, self._quote = True, None
        self._taken, self._unsure = {True: 0, False: 0}, {True: False, False: False}

    def resuming(self) -> None:
        self._paused = False

    def resumed(self) -> None:
        self._judge(None)
        self._all_join()

    def showing(self, quote: Quote) -> None:
        """Before the engine is shown a quote."""
        before = self._before = self._quote
        self._quote = quote
        for is_buy, side in ((True, slice(2, 5, 2)), (False, slice(1, 5, 2))):
            if before is None or before[side] != quote[side]:
                self._taken[is_buy], self._unsure[is_buy] = 0, False

    def shown(self) -> None:
        """After it was shown it, and has told its fills."""
        assert self._quote is not None
        if self._paused:
            assert not self._given, "nothing fills while paused"
            return
        self._count(self._before, self._quote)
        self._judge(self._before)
        self._all_join()

    def filled(self, number: int, shares: int, price: int, removed: bool) -> None:
        assert not self._paused, "nothing fills while paused"
        assert self._quote is not None, "nothing fills before a quote"
        claim = self.claims[number]
        assert claim.live, "who has left is not filled"
        assert claim.smallest <= shares <= claim.wanted, (
            "nobody gets more than is wanted, or less than is taken"
        )
        claim.wanted -= shares
        claim.least = 0
        self._given.append(Given(claim, shares, price, removed))
        if claim.limit is not None:
            assert price <= claim.limit if claim.is_buy else price >= claim.limit, "never through a limit"

    # -- judging -----------------------------------------------------------------------------------
    def _judge(self, before: Quote | None) -> None:
        """All fills of one event. `before` is the quote a trade was made against, None where there was none."""
        quote, given, self._given = self._quote, self._given, []
        traded = quote.trade_size if quote is not None and before is not None and quote.trade_e4 > 0 else 0
        for is_buy in (True, False):
            mine = [fill for fill in given if fill.claim.is_buy is is_buy]
            if not mine:
                continue
            assert quote is not None
            opposite, size = self._side(quote, bid=not is_buy)
            displayed, either, traded_only = 0, 0, 0
            for fill in mine:
                at_display = size > 0 and not better(opposite, fill.price, is_buy)
                by_trade = traded > 0 and not better(quote.trade_e4, fill.price, is_buy)
                assert (fill.price == opposite and size > 0) if fill.removed else (at_display or by_trade)
                if not fill.removed and not fill.claim.pegged:
                    assert fill.price == fill.claim.limit, "who rests trades at its own price"
                if fill.removed or not by_trade:
                    displayed += fill.shares
                elif at_display:
                    either += fill.shares
                else:
                    traded_only += fill.shares
                if not at_display and quote.trade_e4 == fill.price:
                    fill.claim.from_trades += fill.shares
                    shown = fill.claim.shown
                    assert not shown or fill.shares <= shown, "what is not displayed is not traded with"
            self._unsure[is_buy] |= either > 0
            self._taken[is_buy] += displayed + max(0, either - (traded - traded_only))
            assert self._taken[is_buy] <= size, "nobody gets more than is displayed"
            self._priority(is_buy, mine, before)
        makers = sum(fill.shares for fill in given if not fill.removed and not self._displayed(fill))
        assert makers <= traded, "a trade is not shared out twice"
        for claim in self.claims.values():
            claim.ours += sum(fill.shares for fill in given if fill.claim.is_buy is claim.is_buy)
            self._queue(claim)
            self._displayed_is_taken(claim)

    def _displayed_is_taken(self, claim: Watched) -> None:
        """Nobody still wants what is there to be had."""
        if self._quote is None or self._paused or not claim.live or not claim.wanted or claim.pegged:
            return
        opposite, size = self._side(self._quote, bid=not claim.is_buy)
        if claim.limit is None or not better(opposite, claim.limit, claim.is_buy):
            left = size - self._taken[claim.is_buy]
            assert left < claim.smallest or self._unsure[claim.is_buy], "there was something left for it"

    def _displayed(self, fill: Given) -> bool:
        assert self._quote is not None
        opposite, size = self._side(self._quote, bid=not fill.claim.is_buy)
        return size > 0 and not better(opposite, fill.price, fill.claim.is_buy)

    def _queue(self, claim: Watched) -> None:
        """Nobody jumps the queue, and nobody is forgotten in it."""
        if claim.joined is None or claim.pegged:
            return
        if not claim.was_alone and not claim.shown:
            most = claim.traded + claim.left_queue - claim.joined
            assert claim.from_trades <= max(0, most), "it was not its turn"
        least = claim.surely - claim.joined - claim.ours
        assert not claim.live or claim.wanted == 0 or claim.may_be_passed or least <= 0, "it was its turn"

    def _priority(self, is_buy: bool, mine: list[Given], before: Quote | None) -> None:
        """Whoever was given nothing while a lesser claim was given something had no part in it."""
        for fill in mine:
            for other in self.claims.values():
                if other is fill.claim or other.is_buy is not is_buy or not other.live or not other.wanted:
                    continue
                if other.pegged or fill.claim.pegged or not self._comes_before(other, fill.claim):
                    continue
                if other.may_be_passed or fill.claim.shown:
                    continue
                # What is displayed is there for all of them; in trades of others takers have no part.
                excused = self._by_trade(fill) and self._was_taking(other, before)
                assert excused, f"{other} comes before {fill}"

    @staticmethod
    def _comes_before(one: Watched, other: Watched) -> bool:
        """Any price first, then the better price, then who is displayed, then the earlier arrival."""
        if one.limit is None or other.limit is None:
            return one.limit is None and (other.limit is not None or one.since < other.since)
        if one.limit == other.limit:
            return (one.hidden, one.since) < (other.hidden, other.since)
        return better(one.limit, other.limit, one.is_buy)

    def _by_trade(self, fill: Given) -> bool:
        """Whether it may have been from a trade."""
        quote = self._quote
        if quote is None or fill.removed or quote.trade_size <= 0:
            return False
        return not better(quote.trade_e4, fill.price, fill.claim.is_buy)

    def _was_taking(self, claim: Watched, before: Quote | None) -> bool:
        """Whether the claim may have been taking when the trade was made."""
        for quote in (before, self._quote):
            if quote is not None:
                opposite, size = self._side(quote, bid=not claim.is_buy)
                if size and (claim.limit is None or not better(opposite, claim.limit, claim.is_buy)):
                    return True
        return claim.limit is None

    # -- sums at each claim's price ------------------------------------------------------------------
    def _count(self, before: Quote | None, quote: Quote) -> None:
        for claim in self.claims.values():
            if claim.joined is None or before is None or claim.limit is None:
                continue
            best, size = self._side(before, bid=claim.is_buy)
            if not size:
                continue
            is_ours = not better(
                quote.trade_e4, best, claim.is_buy
            )  # a seller's for a buy, a buyer's for a sell
            traded = quote.trade_size if quote.trade_e4 == claim.limit and is_ours else 0
            claim.traded += traded
            other, is_there = self._side(before, bid=not claim.is_buy)
            if not is_there or better(quote.trade_e4, other, not claim.is_buy):
                claim.surely += traded
            if best == claim.limit:
                after, left = self._side(quote, bid=claim.is_buy)
                claim.left_queue += max(0, size - traded - (left if after == best else 0))

    def _all_join(self) -> None:
        for claim in self.claims.values():
            self._joins(claim)

    def _joins(self, claim: Watched) -> None:
        """A claim that rests at the best price for the first time sees its queue; one better than it is alone."""
        if self._quote is None or self._paused or claim.limit is None or claim.pegged or not claim.live:
            return
        opposite, there = self._side(self._quote, bid=not claim.is_buy)
        if not claim.rests and there and not better(opposite, claim.limit, claim.is_buy):
            return  # it takes
        claim.rests = True
        best, size = self._side(self._quote, bid=claim.is_buy)
        if not size or better(claim.limit, best, claim.is_buy):
            claim.was_alone = True
            claim.joined = claim.joined or 0
        elif best == claim.limit:
            if claim.joined is None:
                claim.joined = size
                claim.traded = claim.surely = claim.left_queue = claim.ours = claim.from_trades = 0
            # No more can be before it than are displayed.
            claim.joined = min(claim.joined, claim.traded + claim.left_queue + size)

    @staticmethod
    def _side(quote: Quote, *, bid: bool) -> tuple[int, int]:
        price, size = (quote.bid_e4, quote.bid_size) if bid else (quote.ask_e4, quote.ask_size)
        return (price, size) if price > 0 and size > 0 else (0, 0)


def better(price: int, than: int, is_buy: bool) -> bool:
    """Whether a buyer would rather bid this, a seller rather ask it, to come first."""
    return price > than if is_buy else price < than

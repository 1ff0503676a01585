"""The fill rules one by one, each as a little story of quotes and trades."""

from __future__ import annotations

from algo_trade.gateway_sim.matching import Book, Claim, Liquidity
from algo_trade.gateway_sim.quotes import Quote

BID, ASK = 1_000_000, 1_000_200
TICK = 100
Fill = tuple[int, int, int, Liquidity]  # number of the claim, shares, price, liquidity


class Scene:
    """A book, and what its claims were given."""

    def __init__(self) -> None:
        self.fills: list[Fill] = []
        self.book: Book[Claim] = Book(self._on_fill)
        self._claims: list[Claim] = []
        self.show()

    def _on_fill(self, claim: Claim, shares: int, price_e4: int, liquidity: Liquidity) -> None:
        self.fills.append((self._claims.index(claim) + 1, shares, price_e4, liquidity))

    def show(
        self,
        bid: int = BID,
        ask: int = ASK,
        bid_size: int = 300,
        ask_size: int = 300,
        trade: tuple[int, int] = (0, 0),
    ) -> list[Fill]:
        """Show a quote; returns what it filled."""
        before = len(self.fills)
        self.book.show(Quote(0, bid, ask, bid_size, ask_size, *trade))
        return self.fills[before:]

    def enter(
        self, shares: int, limit: int | None = None, *, is_buy: bool = True, pegged: bool = False
    ) -> Claim:
        claim = Claim(is_buy, shares, limit, pegged)
        self._claims.append(claim)
        self.book.enter(claim)
        return claim


def test_a_taker_gets_what_is_displayed_at_the_displayed_price() -> None:
    """Not better, not more; the rest waits until that side changes."""
    scene = Scene()
    scene.enter(500)
    assert scene.fills == [(1, 300, ASK, Liquidity.REMOVED)]
    assert scene.show(bid_size=290) == []
    assert scene.show(ask=ASK + TICK, ask_size=150) == [(1, 150, ASK + TICK, Liquidity.REMOVED)]
    assert scene.show(ask=ASK + TICK, ask_size=160) == [(1, 50, ASK + TICK, Liquidity.REMOVED)]


def test_a_marketable_limit_order_takes_up_to_its_limit_and_rests_there_then() -> None:
    """While the other side stays within its limit it takes at the displayed price; after that at its own."""
    scene = Scene()
    claim = scene.enter(500, ASK + TICK)
    assert scene.show(ask=ASK + TICK, ask_size=100)[0][1:] == (100, ASK + TICK, Liquidity.REMOVED)
    assert scene.show(ask=ASK + 2 * TICK) == []
    assert claim.price_e4 == ASK + TICK
    assert scene.show(ask=ASK, ask_size=40) == [(1, 40, ASK + TICK, Liquidity.ADDED)]


def test_the_queue_is_what_was_displayed_on_arrival() -> None:
    """A seller's trade eats who is before us, then us; what is left of it fills nobody twice."""
    scene = Scene()
    claim = scene.enter(100, BID)
    assert claim.ahead == 300
    assert scene.show(bid_size=50, trade=(BID, 250)) == []
    assert claim.ahead == 50
    assert scene.show(bid_size=80, trade=(BID, 120)) == [(1, 70, BID, Liquidity.ADDED)]
    assert scene.show(bid_size=30, trade=(BID, 50)) == [(1, 30, BID, Liquidity.ADDED)]


def test_a_buyers_trade_is_nothing_to_a_resting_buy() -> None:
    """It was at the ask."""
    scene = Scene()
    claim = scene.enter(100, BID)
    assert scene.show(ask_size=10, trade=(ASK, 290)) == []
    assert claim.ahead == 300


def test_cancels_are_spread_evenly_over_the_queue_and_newcomers_join_behind() -> None:
    """300 before us, 100 came after; 200 of the 400 leave: 150 are still before us."""
    scene = Scene()
    claim = scene.enter(100, BID)
    scene.show(bid_size=400)
    assert claim.ahead == 300
    scene.show(bid_size=200)
    assert claim.ahead == 150
    scene.show(bid_size=900)
    assert claim.ahead == 150
    scene.show(bid_size=600, trade=(BID, 100))
    assert claim.ahead == 38, "800 stood after the trade and 200 left: 50 less a quarter, rounded against us"


def test_better_than_the_best_there_is_nobody_before_us() -> None:
    """The next trade of that side at our price or below is ours."""
    scene = Scene()
    claim = scene.enter(100, BID + TICK)
    assert claim.ahead == 0
    assert scene.show(trade=(BID, 60)) == [(1, 60, BID + TICK, Liquidity.ADDED)]


def test_behind_the_best_the_depth_is_unknown_until_our_price_is_the_best() -> None:
    """It joins behind everything displayed then."""
    scene = Scene()
    claim = scene.enter(100, BID - TICK)
    assert claim.ahead is None
    assert scene.show(bid=BID - TICK, bid_size=700, trade=(BID, 300)) == []
    assert claim.ahead == 700


def test_who_was_before_us_stays_before_us_while_the_best_is_elsewhere() -> None:
    """Those who came to our price meanwhile are behind us."""
    scene = Scene()
    claim = scene.enter(100, BID)
    scene.show(bid=BID + TICK, bid_size=200)
    scene.show(bid=BID, bid_size=900)
    assert claim.ahead == 300
    scene.show(bid=BID + TICK, bid_size=200)
    scene.show(bid=BID, bid_size=120)
    assert claim.ahead == 120


def test_when_the_best_moves_away_we_are_alone_at_our_price() -> None:
    """Then the next trade at or through it fills us."""
    scene = Scene()
    scene.enter(100, BID)
    assert scene.show(bid=BID - TICK, trade=(BID, 300)) == []
    assert scene.show(bid=BID - TICK, trade=(BID - TICK, 70)) == [(1, 70, BID, Liquidity.ADDED)]
    assert scene.show(bid=0, bid_size=0) == []
    assert scene.show(bid=BID - TICK, trade=(BID, 20)) == [(1, 20, BID, Liquidity.ADDED)]


def test_a_trade_through_our_price_fills_us_whoever_was_before_us() -> None:
    """Whoever sold below our price sold to everybody at it first; at most as much as was traded."""
    scene = Scene()
    scene.enter(100, BID)
    assert scene.show(bid=BID - 2 * TICK, trade=(BID - TICK, 80)) == [(1, 80, BID, Liquidity.ADDED)]


def test_a_trade_inside_the_spread_meets_both_sides_and_is_shared() -> None:
    """Nobody can tell who was the aggressor: our buys first, and never more than was traded."""
    scene = Scene()
    scene.enter(50, BID + TICK)
    scene.enter(80, BID + TICK, is_buy=False)
    assert scene.show(trade=(BID + TICK, 90)) == [
        (1, 50, BID + TICK, Liquidity.ADDED),
        (2, 40, BID + TICK, Liquidity.ADDED),
    ]


def test_price_improvement_is_never_assumed() -> None:
    """The market falls through our bid: we buy at our price, as much as is displayed there."""
    scene = Scene()
    scene.enter(1000, BID)
    assert scene.show(bid=BID - 5 * TICK, ask=BID - 4 * TICK, ask_size=200) == [
        (1, 200, BID, Liquidity.ADDED)
    ]


def test_our_orders_share_what_there_is_and_do_not_trade_with_each_other() -> None:
    """The better price first, then the earlier arrival."""
    scene = Scene()
    scene.enter(100, BID)
    scene.enter(100, BID)
    scene.enter(100, BID + TICK)
    assert scene.show(bid_size=0, bid=0, trade=(BID, 550)) == [
        (3, 100, BID + TICK, Liquidity.ADDED),
        (1, 100, BID, Liquidity.ADDED),
        (2, 50, BID, Liquidity.ADDED),
    ]
    scene.enter(30, BID, is_buy=False)
    assert len(scene.fills) == 3, "there is a buy of ours at its price, but nobody else"


def test_a_smaller_claim_keeps_its_place() -> None:
    """Nothing else does: who asks for more, or for another price, is a newcomer."""
    scene = Scene()
    claim = scene.enter(100, BID)
    scene.show(bid_size=100, trade=(BID, 200))
    scene.book.shrink(claim, 60)
    assert scene.show(bid_size=0, trade=(BID, 170)) == [(1, 60, BID, Liquidity.ADDED)]


def test_while_paused_nothing_fills_and_what_was_displayed_is_void() -> None:
    """At the reopening everything is tried against the reopening quote."""
    scene = Scene()
    resting = scene.enter(100, BID)
    scene.book.pause()
    scene.enter(50)
    assert scene.show(bid=BID - 2 * TICK, ask=BID - TICK, trade=(BID - TICK, 900)) == []
    scene.book.resume()
    assert scene.fills == [(2, 50, BID - TICK, Liquidity.REMOVED), (1, 100, BID, Liquidity.ADDED)]
    assert resting.shares == 0
    scene.book.pause()
    scene.book.resume()
    scene.enter(10)
    assert len(scene.fills) == 2, "nothing was displayed since"


def test_a_pegged_claim_follows_its_own_side_and_takes_in_the_end() -> None:
    """Behind everybody at each new price, never beyond its limit."""
    scene = Scene()
    claim = scene.enter(100, BID + TICK, pegged=True)
    assert (claim.price_e4, claim.ahead) == (BID, 300)
    scene.show(bid=BID + TICK, ask=ASK + TICK, bid_size=200)
    assert (claim.price_e4, claim.ahead) == (BID + TICK, 200)
    scene.show(bid=BID + 2 * TICK, ask=ASK + 2 * TICK)
    assert (claim.price_e4, claim.ahead) == (BID + TICK, 200), "its limit; who was before it still is"
    scene.show(bid=BID - TICK, ask=BID, bid_size=50)
    assert (claim.price_e4, claim.ahead) == (BID - TICK, 50)
    scene.book.unpeg(claim)
    assert scene.fills == [(1, 100, BID, Liquidity.REMOVED)]


def test_a_peg_that_moves_is_behind_those_who_were_there() -> None:
    """However long it has waited elsewhere: ours among them."""
    scene = Scene()
    scene.enter(100, pegged=True)
    scene.enter(60, BID + TICK)
    scene.show(bid=BID + TICK, bid_size=200)
    assert scene.show(bid_size=0, trade=(BID + TICK, 270)) == [
        (2, 60, BID + TICK, Liquidity.ADDED),
        (1, 10, BID + TICK, Liquidity.ADDED),
    ]


def test_a_peg_without_a_side_to_follow_waits_for_one() -> None:
    """It does not take."""
    scene = Scene()
    scene.show(bid=0, bid_size=0)
    claim = scene.enter(100, pegged=True)
    assert claim.price_e4 is None
    assert scene.fills == []
    scene.show()
    assert claim.price_e4 == BID


def test_whole_or_not_at_all_is_known_before_entering() -> None:
    """What is displayed and not taken, within the limit."""
    scene = Scene()
    assert scene.book.can_fill(Claim(True, 300, ASK))
    assert not scene.book.can_fill(Claim(True, 301, ASK))
    assert not scene.book.can_fill(Claim(True, 1, ASK - TICK))
    scene.enter(10)
    assert not scene.book.can_fill(Claim(True, 291, None))
    assert scene.book.can_fill(Claim(False, 300, None))


def test_a_side_without_shares_or_price_trades_with_nobody() -> None:
    """As recorded files have them."""
    scene = Scene()
    scene.show(bid=-1, ask=0, bid_size=100, ask_size=100)
    scene.enter(10)
    scene.enter(10, is_buy=False)
    scene.show(bid_size=0, ask_size=0)
    assert scene.fills == []

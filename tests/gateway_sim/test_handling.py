"""All or none, a least first fill, hidden orders and those that show a part of themselves."""

from __future__ import annotations

from pathlib import Path

from tests.gateway_sim.by_hand import Desk, by_hand
from tests.gateway_sim.test_matching import ASK, BID, TICK, Scene

from algo_trade.gateway_sim.matching import Claim, Liquidity

ADDED, REMOVED = Liquidity.ADDED, Liquidity.REMOVED


def enter(scene: Scene, claim: Claim) -> Claim:
    scene._claims.append(claim)
    scene.book.enter(claim)
    return claim


def test_all_or_none_waits_for_all_and_lets_others_pass() -> None:
    """As a taker, and in its queue: what is too small for it goes to whoever comes next."""
    scene = Scene()
    enter(scene, Claim(True, 400, ASK, whole=True))
    scene.enter(100, ASK)
    assert scene.fills == [(2, 100, ASK, REMOVED)]
    assert scene.show(ask_size=400) == [(1, 400, ASK, REMOVED)]
    enter(scene, Claim(True, 200, BID + TICK, whole=True))
    scene.enter(50, BID + TICK)
    assert scene.show(trade=(BID + TICK, 199)) == [(4, 50, BID + TICK, ADDED)]
    assert scene.show(trade=(BID + TICK, 200)) == [(3, 200, BID + TICK, ADDED)]


def test_a_least_fill_is_asked_of_the_first_one_only() -> None:
    """After that any will do."""
    scene = Scene()
    enter(scene, Claim(True, 500, None, least=350))
    assert scene.fills == []
    assert scene.show(ask_size=350) == [(1, 350, ASK, REMOVED)]
    assert scene.show(ask_size=20) == [(1, 20, ASK, REMOVED)]


def test_a_hidden_claim_is_behind_everything_displayed_at_its_price() -> None:
    """Ours among it, and whoever comes later."""
    scene = Scene()
    enter(scene, Claim(True, 100, BID, hidden=True))
    scene.enter(50, BID)
    scene.show(bid_size=700)
    assert scene.show(bid_size=200, trade=(BID, 500)) == [(2, 50, BID, ADDED)]
    assert scene.show(bid_size=0, trade=(BID, 230)) == [(1, 30, BID, ADDED)]


def test_a_claim_that_shows_a_part_is_filled_part_by_part() -> None:
    """Each next part is last in the queue; a trade through its price gets all there is."""
    scene = Scene()
    claim = enter(scene, Claim(True, 250, BID, shown=100))
    assert scene.show(bid_size=200, trade=(BID, 360)) == [(1, 60, BID, ADDED)]
    assert (claim.slice, claim.ahead) == (40, 0)
    assert scene.show(bid_size=300, trade=(BID, 900)) == [(1, 40, BID, ADDED)]
    assert (claim.slice, claim.ahead) == (100, 300), "the next part came after everybody"
    assert scene.show(bid=BID - TICK, bid_size=50, trade=(BID - TICK, 900)) == [(1, 150, BID, ADDED)]


def test_a_taker_takes_whole_whatever_it_would_show() -> None:
    """Nothing of it is displayed while it takes; what rests then shows a part."""
    scene = Scene()
    claim = enter(scene, Claim(True, 420, ASK, shown=50))
    assert scene.fills == [(1, 300, ASK, REMOVED)]
    scene.show(ask=ASK + TICK)
    assert (claim.shares, claim.slice) == (120, 50)


def test_attributes_are_given_back_and_kept(tmp_path: Path) -> None:
    """In openOrder and completedOrder, over a kill; and other ones make another order (105)."""

    async def body(desk: Desk) -> None:
        await desk.place(1, quantity=600, lmtPrice=100.02, allOrNone=True, tif="GTC")
        await desk.place(2, quantity=600, lmtPrice=99.9, hidden=True, minQty=200)
        await desk.place(3, quantity=600, lmtPrice=99.9, displaySize=100)
        # displaySize, allOrNone, minQty, hidden
        told = {number: [desk.opened(number)[at] for at in (48, 51, 52, 27)] for number in (1, 2, 3)}
        assert told == {
            1: ["2147483647", "1", "", "0"],
            2: ["2147483647", "0", "200", "1"],
            3: ["100", "0", "", "0"],
        }
        assert await desk.place(1, quantity=600, lmtPrice=100.02, tif="GTC") == ["4 105"]
        await desk.restart()
        assert await desk.after(lambda: desk.show(ask_size=599)) == []
        heard = await desk.after(lambda: desk.show(ask_size=600))
        assert heard == ["11 600", "5 Filled", "3 Filled 600/0", "59"]
        [done] = [fields for fields in await desk.client.ask(99, 0) if fields[0] == "101"]
        assert done[46] == "1"

    by_hand(body, state_path=tmp_path / "sim.db")


def test_an_all_or_none_order_that_is_immediate_is_filled_whole_or_cancelled() -> None:
    """Like fill or kill."""

    async def body(desk: Desk) -> None:
        heard = await desk.place(1, quantity=501, lmtPrice=100.02, allOrNone=True, tif="IOC")
        assert heard[2:] == ["3 PendingCancel 0/501", "3 Cancelled 0/501", "4 202"]
        heard = await desk.place(2, quantity=500, lmtPrice=100.02, allOrNone=True, tif="IOC")
        assert heard[2] == "11 500"

    by_hand(body)


def test_an_all_or_none_child_waits_until_its_parent_has_filled_whole() -> None:
    """A parent filled in part lets it work for nothing."""

    async def body(desk: Desk) -> None:
        await desk.place(1, quantity=600, lmtPrice=100.02, transmit=False)
        await desk.place(2, "SELL", quantity=600, lmtPrice=100.00, parentId=1, allOrNone=True)
        assert desk.status(1)[2:5] == ["Submitted", "500", "100"]
        assert (desk.status(2)[2], desk.status(2)[10]) == ("PreSubmitted", "child")
        desk.show(ask_size=100, bid_size=600)
        await desk.after()
        assert [fields[19] for fields in desk.client.of(11)] == ["500", "100", "600"]

    by_hand(body)

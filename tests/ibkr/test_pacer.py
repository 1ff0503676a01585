"""The pacer: never more than the gateway allows, cancels first, nobody held up without need."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from algo_trade.clock import Clock, run_virtual
from algo_trade.ibkr.errors import Refuse
from algo_trade.ibkr.pacer import HistoricalPacer, Lane, Pacer

LIMIT = 50
Sent = list[tuple[float, Lane]]


def virtual(body: Callable[[], Awaitable[None]]) -> None:
    async def main(_clock: Clock) -> None:
        await body()

    run_virtual(main)


async def send(pacer: Pacer, lane: Lane, sent: Sent) -> None:
    await pacer.acquire(lane)
    sent.append((asyncio.get_running_loop().time(), lane))


def most_in_any_second(sent: Sent) -> int:
    times = [at for at, _ in sent]
    return max((sum(start <= at <= start + 1.0 for at in times) for start in times), default=0)


DEMANDS = st.lists(
    st.tuples(st.floats(0, 3), st.sampled_from(list(Lane)), st.integers(1, 60)), min_size=1, max_size=12
)


@given(DEMANDS)
@settings(max_examples=60, deadline=None)
def test_no_second_holds_more_than_the_limit_and_everybody_is_served(
    demands: list[tuple[float, Lane, int]],
) -> None:
    sent: Sent = []

    async def body() -> None:
        pacer = Pacer(LIMIT)

        async def demand(after_s: float, lane: Lane, count: int) -> None:
            await asyncio.sleep(after_s)
            await asyncio.gather(*(send(pacer, lane, sent) for _ in range(count)))

        await asyncio.gather(*(demand(*each) for each in demands))

    virtual(body)
    assert len(sent) == sum(count for _, _, count in demands)
    assert most_in_any_second(sent) <= LIMIT
    for lane, ceiling in ((Lane.ORDER, 45), (Lane.QUERY, 35)):
        assert most_in_any_second([each for each in sent if each[1] >= lane]) <= ceiling


@given(st.integers(0, 200), st.integers(0, 200))
@settings(max_examples=30, deadline=None)
def test_cancels_never_wait_for_orders_or_queries(orders: int, queries: int) -> None:
    async def body() -> None:
        pacer = Pacer(LIMIT)
        sent: Sent = []
        busy = [asyncio.ensure_future(send(pacer, Lane.ORDER, sent)) for _ in range(orders)]
        busy += [asyncio.ensure_future(send(pacer, Lane.QUERY, sent)) for _ in range(queries)]
        await asyncio.sleep(0.5)
        for _ in range(5):
            assert pacer.try_acquire(Lane.CANCEL)
        await asyncio.gather(*busy)

    virtual(body)


def test_a_sixth_cancel_behind_a_full_bucket_waits_only_for_the_next_token() -> None:
    async def body() -> None:
        pacer = Pacer(LIMIT)
        sent: Sent = []
        await asyncio.gather(*(send(pacer, Lane.ORDER, sent) for _ in range(45)))
        orders = [asyncio.ensure_future(send(pacer, Lane.ORDER, sent)) for _ in range(45)]
        await asyncio.gather(*(send(pacer, Lane.CANCEL, sent) for _ in range(12)))
        await asyncio.gather(*orders)
        cancels = [at for at, lane in sent if lane is Lane.CANCEL]
        late_orders = [at for at, lane in sent if lane is Lane.ORDER][45:]
        assert cancels[4] == 0.0
        assert cancels[-1] == late_orders[0] == pytest.approx(1.05, abs=1e-3)

    virtual(body)


def test_orders_do_not_wait_for_a_burst_of_queries() -> None:
    async def body() -> None:
        pacer = Pacer(LIMIT)
        sent: Sent = []
        queries = [asyncio.ensure_future(send(pacer, Lane.QUERY, sent)) for _ in range(100)]
        await asyncio.sleep(0.1)
        for _ in range(10):
            assert pacer.try_acquire(Lane.ORDER)
        assert not pacer.try_acquire(Lane.ORDER)
        await asyncio.gather(*queries)

    virtual(body)


def test_within_a_lane_first_come_first_served_and_nobody_overtakes_with_try() -> None:
    async def body() -> None:
        pacer = Pacer(LIMIT)
        served: list[int] = []

        async def take(number: int) -> None:
            await pacer.acquire(Lane.ORDER)
            served.append(number)

        waiting = [asyncio.ensure_future(take(number)) for number in range(120)]
        await asyncio.sleep(0)
        assert not pacer.try_acquire(Lane.ORDER)
        assert not pacer.try_acquire(Lane.QUERY)
        await asyncio.gather(*waiting)
        assert served == list(range(120))

    virtual(body)


def test_a_token_that_comes_back_belongs_to_whoever_waited_for_it() -> None:
    async def body() -> None:
        pacer = Pacer(LIMIT)
        taken: list[bool] = []
        asyncio.get_running_loop().call_at(1.05, lambda: taken.append(pacer.try_acquire(Lane.ORDER)))
        await asyncio.gather(*(pacer.acquire(Lane.ORDER) for _ in range(45)))
        await asyncio.gather(*(pacer.acquire(Lane.ORDER) for _ in range(45)))
        assert taken == [False]

    virtual(body)


def test_whoever_gives_up_waiting_leaves_the_queue() -> None:
    async def body() -> None:
        pacer = Pacer(LIMIT)
        sent: Sent = []
        await asyncio.gather(*(send(pacer, Lane.ORDER, sent) for _ in range(45)))
        first = asyncio.ensure_future(pacer.acquire(Lane.ORDER))
        second = asyncio.ensure_future(pacer.acquire(Lane.ORDER))
        await asyncio.sleep(0.1)
        first.cancel()
        await second
        assert first.cancelled()
        assert pacer.free(Lane.ORDER) == 44

    virtual(body)


def test_when_the_gateway_complains_only_cancels_go_through_for_a_while() -> None:
    async def body() -> None:
        pacer = Pacer(LIMIT)
        sent: Sent = []
        pacer.hold(2.0)
        assert not pacer.try_acquire(Lane.QUERY)
        waiting = asyncio.gather(*(send(pacer, lane, sent) for lane in (Lane.QUERY, Lane.ORDER, Lane.CANCEL)))
        await asyncio.sleep(0.1)
        assert sent == [(0.0, Lane.CANCEL)]
        await waiting
        assert [lane for _, lane in sent] == [Lane.CANCEL, Lane.ORDER, Lane.QUERY]
        assert sent[1][0] == pytest.approx(2.0, abs=1e-3)

    virtual(body)


def test_a_limit_that_leaves_nothing_beside_the_cancels_is_refused() -> None:
    with pytest.raises(Refuse):
        Pacer(5)


@given(
    st.lists(st.tuples(st.sampled_from("abcdefghij"), st.integers(1, 2)), min_size=1, max_size=90),
    st.integers(2, 60),
)
@settings(max_examples=20, deadline=None)
def test_historical_requests(demands: list[tuple[str, int]], limit: int) -> None:
    """Never more weight than allowed in ten minutes or of one kind in two seconds, nor the same twice in 15."""
    sent: list[tuple[float, str, int]] = []

    async def body() -> None:
        pacer = HistoricalPacer(limit)
        for key, weight in demands:
            await pacer.acquire(key, key in "aeiou", weight=weight)
            sent.append((asyncio.get_running_loop().time(), key, weight))

    virtual(body)
    for start, _, _ in sent:
        assert sum(weight for at, _, weight in sent if start <= at < start + 600.0) <= limit
        for kind in (True, False):
            burst = (w for at, key, w in sent if start <= at < start + 2.0 and (key in "aeiou") is kind)
            assert sum(burst) <= 5
    for key in "abcdefghij":
        times = [at for at, each, _ in sent if each == key]
        assert all(later - earlier >= 15.0 - 1e-3 for earlier, later in pairwise(times))


def test_a_request_heavier_than_the_bucket_is_refused() -> None:
    async def body() -> None:
        with pytest.raises(Refuse):
            await HistoricalPacer(1).acquire("a", "a", weight=2)

    virtual(body)


def test_who_waits_for_its_own_twin_holds_up_nobody() -> None:
    async def body() -> None:
        pacer, loop = HistoricalPacer(60), asyncio.get_running_loop()
        await pacer.acquire("a", 1)
        twin = asyncio.ensure_future(pacer.acquire("a", 1))
        await asyncio.sleep(1)
        await pacer.acquire("b", 1)
        assert loop.time() == pytest.approx(1.0, abs=1e-3)
        await twin
        assert loop.time() == pytest.approx(15.0, abs=1e-3)

    virtual(body)


def test_messages_that_belong_together_get_their_tokens_together_or_wait() -> None:
    """A part of them would be a part of a bracket."""

    async def body() -> None:
        pacer = Pacer(LIMIT)
        assert pacer.try_acquire(Lane.ORDER, 43)  # of 45
        assert not pacer.try_acquire(Lane.ORDER, 3)
        loop = asyncio.get_running_loop()
        together = asyncio.ensure_future(pacer.acquire(Lane.ORDER, 3))
        behind = asyncio.ensure_future(pacer.acquire(Lane.ORDER))
        await asyncio.sleep(0.5)
        assert not together.done()
        assert not behind.done()  # first come, first served: two tokens are there, and belong to nobody else
        assert pacer.try_acquire(Lane.CANCEL, 2)
        await together
        assert 1.0 < loop.time() < 1.1
        await behind
        with pytest.raises(Refuse, match="45 a second"):
            await pacer.acquire(Lane.ORDER, 46)

    virtual(body)

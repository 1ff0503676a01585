"""Bars on the wire: real-time and historical, of every size, held against bars made from the quotes themselves."""

from __future__ import annotations

import asyncio
import itertools
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.gateway_sim import bar_checker
from tests.gateway_sim.bar_checker import five_seconds, from_wire, longer, write_quotes
from tests.gateway_sim.wire_client import AAPL, QQQ, SPY, WireClient, contract, with_simulator

from algo_trade.clock import VIRTUAL_START_NS, utc
from algo_trade.gateway_sim import GatewaySimulator, RequestError
from algo_trade.gateway_sim.bars.pacing import BarPacing
from algo_trade.gateway_sim.bars.past import DAYS, PastDays, PastModel
from algo_trade.gateway_sim.bars.sizes import SIZES, Unit, What, parse_end_s
from algo_trade.gateway_sim.quotes import Quote

START_S = VIRTUAL_START_NS // 10**9
NEW_YORK = ZoneInfo("America/New_York")
WHATS = ("TRADES", "MIDPOINT", "BID", "ASK")


def history(
    request_id: int = 7,
    *,
    end: str = "",
    size: str = "1 min",
    duration: str = "1 D",
    what: str = "TRADES",
    form: int = 2,
    keep: int = 0,
    con_id: int = SPY,
) -> tuple[Any, ...]:
    """The fields of a historical request."""
    return (20, request_id, *contract(con_id), 0, end, size, duration, 1, what, form, keep, "")


async def answer(client: WireClient, *fields: Any) -> list[str]:
    """The one frame a historical request is answered with."""
    (frame,) = [frame for frame in await client.ask(*fields, wait=0.2) if frame[0] in {"17", "4"}]
    return frame


STEP = st.tuples(
    st.one_of(st.integers(0, 2_000), st.sampled_from([5_000, 30_000, 61_000])),  # milliseconds
    st.integers(-3, 3),
    st.integers(1, 3),
    st.one_of(st.just(0), st.integers(1, 400)),
)


def quotes_of(steps: list[tuple[int, int, int, int]]) -> list[Quote]:
    """A walk of quotes, some of them with trades at their bid."""
    quotes, bid, at_ns = [Quote(0, 5_000_000, 5_000_100, 100, 100)], 5_000_000, 0
    for pause_ms, move, spread, size in steps:
        at_ns += pause_ms * 1_000_000
        bid += move * 100
        quotes.append(Quote(at_ns, bid, bid + spread * 100, 100, 100, bid if size else 0, size))
    return quotes


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(STEP, min_size=1, max_size=80), st.integers(1, 4_999))
def test_bars_of_every_size_are_what_the_quotes_make_them(
    tmp_path: Path, steps: list[tuple[int, int, int, int]], late_ms: int
) -> None:
    """Real-time bars at the end of each five seconds; historical ones of any length joined from the same."""
    quotes = quotes_of(steps)
    path = write_quotes(tmp_path / "q.csv", quotes)

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(late_ms / 1000)
        for number, what in enumerate(WHATS):
            client.send(50, 3, number, *contract(AAPL), 5, what, 1, "")
        origin_ns = VIRTUAL_START_NS + int(loop.time() * 1e9)
        until_s = START_S + (quotes[-1].offset_ns // 10**9 // 5 + 3) * 5
        await asyncio.sleep(until_s - START_S - loop.time() + 1)
        live = client.of(50)
        assert all(
            abs(at % 5) < 1e-6
            for fields, at in zip(client.frames, client.times, strict=True)
            if fields[0] == "50"
        )
        end = f"{utc(until_s * 10**9):%Y%m%d-%H:%M:%S}"
        for number, what in enumerate(WHATS):
            expected = five_seconds(quotes, origin_ns, what, until_s)
            assert [
                bar_checker.bar_of(f[3], f[4:8], f[8], f[10]) for f in live if f[2] == str(number)
            ] == expected
            for size in ("5 secs", "30 secs", "1 min", "1 hour"):
                frame = await answer(client, *history(end=end, size=size, what=what, con_id=AAPL))
                if expected:
                    assert from_wire(frame) == longer(expected, SIZES[size].seconds, START_S)
                else:
                    assert frame[3] == "162"
                await asyncio.sleep(1)  # six of one contract and kind within two seconds are too many

    with_simulator(body, quotes={"AAPL": path})


def test_the_seeded_days_before_agree_in_all_sizes_and_join_the_first_price() -> None:
    """To the cent, over a weekend, the same for every request."""

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        close = Decimal((await client.ask(1, 11, 8, *contract(SPY), 0, "", 1, 0, ""))[2][4])
        end = "20260227 16:00:00 US/Eastern"  # the Friday before
        fine = from_wire(await answer(client, *history(end=end, size="5 secs")))
        assert len(fine) == 4_680
        assert fine[-1].close == close
        assert all(after.open == before.close for before, after in itertools.pairwise(fine))
        for size in [name for name, each in SIZES.items() if each.unit is Unit.SECONDS and each.seconds > 5]:
            bars = from_wire(await answer(client, *history(end=end, size=size)))
            assert bars == longer(fine, SIZES[size].seconds, START_S - 3 * 86_400)
            await asyncio.sleep(1)
        (day,) = from_wire(await answer(client, *history(end=end, size="1 day")))
        assert day == bar_checker.joined(fine)._replace(start_s=20260227)
        first = from_wire(await answer(client, *history(size="1 day", duration="2 D")))[0]
        assert first == day
        assert all(low <= bar.open <= high for bar in fine for low, high in [(bar.low, bar.high)])

    with_simulator(body)


def test_weeks_and_months_are_whole_and_named_by_their_last_day() -> None:
    """Joined from days, the first one never cut."""

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        await asyncio.sleep(10)
        days = from_wire(await answer(client, *history(size="1 day", duration="3 M")))
        weeks = from_wire(await answer(client, *history(size="1 week", duration="2 W")))
        months = from_wire(await answer(client, *history(size="1 month", duration="1 M")))
        assert [bar.start_s for bar in weeks] == [20260220, 20260227, 20260302]
        assert [bar.start_s for bar in months] == [20260227, 20260302]
        week = [bar for bar in days if 20260223 <= bar.start_s <= 20260227]
        assert weeks[1] == bar_checker.joined(week)._replace(start_s=20260227)
        february = [bar for bar in days if 20260201 <= bar.start_s <= 20260228]
        assert months[0] == bar_checker.joined(february)._replace(start_s=20260227)
        assert days[-1].start_s == 20260302

    with_simulator(body)


def test_a_year_of_days_and_a_day_of_five_seconds_look_like_a_market() -> None:
    """A day of trading each; its returns spread as its model says; more at the ends of a day than at noon."""
    past = PastDays(3, "SPY", PastModel(0.01, 4_000_000, 100), 5_000_000, date(2026, 3, 2))
    days = [past.day(number) for number in range(DAYS)]
    assert days[:3] == [date(2026, 2, 27), date(2026, 2, 26), date(2026, 2, 25)]
    assert all(day.weekday() < 5 for day in days)
    assert all(1 <= (after - before).days <= 4 for after, before in itertools.pairwise(days))
    bars = [past.whole(number) for number in range(250)]
    closes = [bar.close for bar in bars if bar is not None]
    returns = [after / before - 1 for after, before in itertools.pairwise(closes)]
    assert 0.008 < (sum(change**2 for change in returns) / 249) ** 0.5 < 0.012
    assert 3_500_000 < sum(bar.volume for bar in bars if bar is not None) / 250 < 5_500_000
    minutes = [past.minutes(number) for number in range(50)]
    first, noon = (
        sum(day.high[at] - day.low[at] for day in minutes for at in part)
        for part in (range(30), range(180, 210))
    )
    assert first > 1.2 * noon
    again = PastDays(3, "SPY", PastModel(0.01, 4_000_000, 100), 5_000_000, date(2026, 3, 2))
    assert again.detail(17).high == past.detail(17).high


def test_a_symbol_of_pennies_never_falls_below_one() -> None:
    """Whatever its past was."""
    past = PastDays(3, "PNY", PastModel(0.2, 4_000_000, 100), 300, date(2026, 3, 2))
    for number in range(0, DAYS, 60):
        columns = past.detail(number)
        assert min(columns.low) >= 10_000
        whole = past.whole(number)
        assert whole is not None and max(columns.high) == whole.high


def test_times_are_written_as_asked_for() -> None:
    """formatDate 1 in New York, 2 as epoch seconds; days always as yyyymmdd."""

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        await asyncio.sleep(95)
        frame = await answer(client, *history(form=1))
        assert frame[2:5] == ["20260302 09:30:00 US/Eastern", "20260302 09:31:35 US/Eastern", "2"]
        assert frame[5::8] == ["20260302 09:30:00 US/Eastern", "20260302 09:31:00 US/Eastern"]
        frame = await answer(client, *history(form=2))
        assert frame[2:4] == ["20260302  09:30:00", "20260302  09:31:35"]
        assert frame[5::8] == [str(START_S), str(START_S + 60)]
        for form in (1, 2):
            assert (await answer(client, *history(size="1 day", duration="2 D", form=form)))[5::8] == [
                "20260227",
                "20260302",
            ]

    with_simulator(body)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", None),
        ("20260302 09:31:00", START_S + 60),
        ("20260302  09:31:00", START_S + 60),
        ("20260302 09:31:00 US/Eastern", START_S + 60),
        ("20260302 09:31:00 America/New_York", START_S + 60),
        ("20260302 14:31:00 UTC", START_S + 60),
        ("20260302 15:31:00 Europe/Berlin", START_S + 60),
        ("20260302-14:31:00", START_S + 60),
        ("09:31:00", START_S + 60),
        ("09:31:00 US/Eastern", START_S + 60),
    ],
)
def test_an_end_is_taken_in_every_form_clients_send(text: str, expected: int | None) -> None:
    """With a zone, without, in UTC, and the time alone."""
    assert parse_end_s(text, VIRTUAL_START_NS) == expected


@settings(max_examples=200, deadline=None)
@given(
    st.one_of(
        st.text(max_size=30), st.from_regex(r"[0-9]{8}[ -][0-9:]{0,9}( [A-Za-z/]{0,12})?", fullmatch=True)
    )
)
def test_an_end_that_is_none_is_refused_and_never_a_failure_of_ours(text: str) -> None:
    """10314."""
    try:
        parse_end_s(text, VIRTUAL_START_NS)
    except RequestError as error:
        assert error.code == 10314


REFUSED = {
    "a size": ({"size": "7 mins"}, "321", "Legal ones are"),
    "single seconds of a day": ({"size": "1 secs"}, "162", "Time length exceed max"),
    "single seconds of an hour": ({"size": "1 secs", "duration": "3600 S"}, "162", "Time length exceed max"),
    "single seconds up to date": ({"size": "1 secs", "duration": "60 S", "keep": 1}, "321", "one second"),
    "a duration": ({"duration": "1 day"}, "321", "duration"),
    "nothing at all": ({"duration": "0 D"}, "321", "duration"),
    "years in days": ({"duration": "366 D"}, "321", "must be made in years"),
    "a kind": ({"what": "OPTION_IMPLIED_VOLATILITY"}, "321", "What to show"),
    "a form": ({"form": 3}, "321", "Date format"),
    "an end": ({"end": "yesterday"}, "10314", "End Date/Time"),
    "an end and up to date": ({"end": "20260302 09:31:00", "keep": 1}, "321", "up to date"),
    "what is not kept": ({"what": "BID_ASK", "keep": 1}, "321", "kept up to date"),
    "adjusted with an end": ({"what": "ADJUSTED_LAST", "end": "20260302 09:31:00"}, "321", "adjusted"),
    "too much": ({"size": "5 secs", "duration": "1 M"}, "162", "Time length exceed max"),
    "before the first day": ({"end": "19990101 16:00:00"}, "162", "HMDS query returned no data"),
    "an instrument": ({"con_id": 12345}, "200", "No security definition"),
}


@pytest.mark.parametrize(("changes", "code", "text"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_asked_is_refused_by_name(changes: dict[str, Any], code: str, text: str) -> None:
    """With the gateway's own code, addressed to the request."""

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        frame = await answer(client, *history(11, **changes))
        assert frame[2:4] == ["11", code]
        assert text in frame[4]

    with_simulator(body)


def test_what_a_request_reaches_back_to() -> None:
    """Seconds are those of trading, days are sessions, and the bar a duration begins in is whole."""

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        await asyncio.sleep(3_606)  # 10:30
        for duration, size, first, count in (
            ("1800 S", "1 min", "20260302 10:00:00", 31),
            ("4000 S", "1 min", "20260227 15:53:00", 68),  # over the weekend
            ("600 S", "1 hour", "20260302 10:00:00", 1),
            ("1 D", "30 mins", "20260302 09:30:00", 3),
            ("2 D", "4 hours", "20260227 09:30:00", 3),
            ("1 W", "1 day", "20260224", 5),
        ):
            frame = await answer(client, *history(size=size, duration=duration, form=1))
            assert frame[5].startswith(first)
            assert int(frame[4]) == count
        halves = await answer(client, *history(end="20260302 10:10:07", size="1 hour", form=1))
        assert [text[9:17] for text in halves[5::8]] == ["09:30:00", "10:00:00"]

    with_simulator(body)


def test_kept_up_to_date_means_the_bar_under_way_every_five_seconds() -> None:
    """And the last word on a bar is what history says of it afterwards."""

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        await asyncio.sleep(47.3)
        frame = await answer(client, *history(5, keep=1, what="MIDPOINT"))
        assert frame[4] == "1"
        await asyncio.sleep(78)
        updates = client.of(90)
        # id, trades, start, open, close, high, low, average, volume
        assert [int(fields[3]) for fields in updates] == [START_S] * 3 + [START_S + 60] * 12 + [START_S + 120]
        last = {int(f[3]): [Decimal(f[at]) for at in (4, 6, 7, 5)] for f in updates}
        bars = from_wire(await answer(client, *history(6, what="MIDPOINT")))
        for bar in bars[:2]:
            assert last[bar.start_s] == [bar.open, bar.high, bar.low, bar.close]
        cancelled = await client.ask(25, 1, 5)
        assert cancelled[0][2:4] == ["5", "162"] and "cancelled" in cancelled[0][4]
        count = len(client.of(90))
        await asyncio.sleep(20)
        assert len(client.of(90)) == count

    with_simulator(body)


def test_a_query_is_cancelled_before_its_answer_and_unknown_after_it() -> None:
    """162 while it is under way, 366 when there is none."""

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        client.send(*history(5))
        assert (await client.ask(*history(5)))[0][2:4] == ["5", "322"]
        assert (await client.ask(25, 1, 5))[0][2:4] == ["5", "162"]
        await asyncio.sleep(1)
        assert not client.of(17)
        assert (await client.ask(25, 1, 5))[0][2:4] == ["5", "366"]
        client.send(*history(6))
        client.close()  # an answer to nobody

    with_simulator(body)


def test_a_recorded_day_has_no_history_before_its_first_row_and_is_not_begun_by_looking(
    tmp_path: Path,
) -> None:
    """162, and the subscription starts it."""
    path = write_quotes(tmp_path / "q.csv", quotes_of([(1_000, 1, 1, 50)] * 30))

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        await asyncio.sleep(100)
        assert (await answer(client, *history(con_id=AAPL)))[3] == "162"
        assert (await client.ask(87, 8, *contract(AAPL), 0, 1, "TRADES", 1))[0][3] == "162"
        kept = await answer(client, *history(5, keep=1, con_id=AAPL))  # a subscription
        assert kept[4] == "0"
        await asyncio.sleep(60)
        bars = from_wire(await answer(client, *history(9, size="1 min", con_id=AAPL)))
        assert bars[0].start_s == START_S + 60 and sum(bar.trades for bar in bars) == 30
        head = await client.ask(87, 8, *contract(AAPL), 0, 1, "TRADES", 1)
        assert head == [["88", "8", "20260302-14:31:40"]]
        assert client.of(90)

    with_simulator(body, quotes={"AAPL": path})


def test_a_file_of_absurd_numbers_does_not_stop_the_market(tmp_path: Path) -> None:
    """What no bar can be made of is left out of them, and served as it is."""
    most = 2**63 - 1
    quotes = [
        Quote(0, 5_000_000, 5_000_100, 1, 1, 5_000_000, most),
        Quote(10**9, most, most, most, most, most, most),
        Quote(2 * 10**9, 10**15 - 1, 10**15 - 1, most, 1, 10**15 - 1, most),
        Quote(3 * 10**9, 5_000_000, 5_000_100, 1, 1, 5_000_000, 1),
    ]
    path = write_quotes(tmp_path / "q.csv", quotes)

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        client.send(97, 5, *contract(AAPL), "BidAsk", 0, 0)
        await asyncio.sleep(6)
        assert len(client.of(99)) == 4
        (bar,) = from_wire(await answer(client, *history(con_id=AAPL)))
        assert (bar.low, bar.trades, bar.volume) == (Decimal(500), 3, most)

    with_simulator(body, quotes={"AAPL": path})


def test_the_head_timestamp_is_where_history_begins() -> None:
    """In both forms."""

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        (text,) = await client.ask(87, 8, *contract(), 0, 1, "TRADES", 1)
        (epoch,) = await client.ask(87, 9, *contract(), 0, 1, "TRADES", 2)
        assert text[:2] == ["88", "8"]
        begins = datetime.strptime(text[2] + "+0000", "%Y%m%d-%H:%M:%S%z")
        assert int(epoch[2]) == begins.timestamp()
        assert (begins.astimezone(NEW_YORK).hour, begins.astimezone(NEW_YORK).minute) == (9, 30)
        oldest = from_wire(await answer(client, *history(size="1 month", duration="10 Y")))[0]
        assert str(oldest.start_s)[:6] == text[2][:6]

    with_simulator(body)


def slow_days(path: Path, days: int) -> Path:
    """A recorded file that begins at 9:30 and goes on for days, a quote and a trade every ten minutes."""
    bids = [(at_s * 10**9, 5_000_000 + at_s % 7_000) for at_s in range(0, days * 86_400, 600)]
    return write_quotes(path, [Quote(at_ns, bid, 5_010_000, 100, 100, bid, 10) for at_ns, bid in bids])


def test_bars_end_with_the_session_and_begin_with_the_next(tmp_path: Path) -> None:
    """Nothing is sent while the exchange is closed, whatever is quoted then."""

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        client.send(50, 3, 5, *contract(AAPL), 5, "BID", 1, "")
        await asyncio.sleep(23_400 - 60)
        start = len(client.frames)
        await asyncio.sleep(3_600)
        assert len(client.frames) - start == 12
        assert client.of(50)[-1][3] == str(START_S + 23_395)
        await asyncio.sleep(86_400 - 23_400 - 3_540 + 620)
        days = from_wire(await answer(client, *history(size="1 day", duration="3 D", con_id=AAPL)))
        assert [bar.start_s for bar in days] == [20260302, 20260303]
        second = [int(fields[3]) for fields in client.of(50) if int(fields[3]) > START_S + 40_000]
        assert second[0] == START_S + 86_400 and second[-1] == second[0] + 5 * (len(second) - 1)

    with_simulator(body, quotes={"AAPL": slow_days(tmp_path / "q.csv", 2)})


def test_a_server_that_runs_for_weeks_keeps_minutes_of_old_sessions(tmp_path: Path) -> None:
    """Five sessions in five seconds; before that 1 min is the shortest, and the same as it was."""

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        client.send(50, 3, 5, *contract(AAPL), 5, "BID", 1, "")
        await asyncio.sleep(3_600)
        request: dict[str, Any] = {"end": "20260302 10:29:00", "duration": "1200 S", "con_id": AAPL}
        kinds = ("MIDPOINT", "BID_ASK", "TRADES")
        before = [from_wire(await answer(client, *history(what=what, **request))) for what in kinds]
        client.send(51, 1, 5)
        await asyncio.sleep(9 * 86_400)
        assert [from_wire(await answer(client, *history(what=what, **request))) for what in kinds] == before
        seconds = await answer(client, *history(size="5 secs", **request))
        assert seconds[3] == "162"
        days = from_wire(
            await answer(client, *history(what="BID", size="1 day", duration="8 D", con_id=AAPL))
        )
        assert [bar.start_s % 100 for bar in days] == [2, 3, 4, 5, 6, 9, 10, 11]

    with_simulator(body, quotes={"AAPL": slow_days(tmp_path / "q.csv", 10)})


def test_real_time_bars_hold_lines_and_are_told_by_id() -> None:
    """101 when lines run out, 300 for what is not there, 322 for an id in use, 321 for what they cannot be of."""

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        client.send(50, 3, 1, *contract(SPY), 0, "TRADES", 1, "")  # a bar size of zero is sent, too
        client.send(1, 11, 2, *contract(SPY), 0, "", 0, 0, "")
        assert (await client.ask(50, 3, 3, *contract(QQQ), 5, "BID", 1, ""))[-1][2:4] == ["3", "101"]
        assert (await client.ask(50, 3, 1, *contract(SPY), 5, "BID", 1, ""))[-1][2:4] == ["1", "322"]
        assert (await client.ask(50, 3, 4, *contract(SPY), 5, "BID_ASK", 1, ""))[-1][2:4] == ["4", "321"]
        await asyncio.sleep(6)
        assert [fields[2] for fields in client.of(50)] == ["1"]
        client.send(51, 1, 1)
        await asyncio.sleep(0.1)
        assert (await client.ask(51, 1, 1))[-1][2:4] == ["1", "300"]
        await asyncio.sleep(20)
        assert len(client.of(50)) == 1

    with_simulator(body, lines=2)


def test_small_bars_are_paced_as_a_real_gateway_does() -> None:
    """The identical request within 15 seconds is refused, one of a minute is not."""

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        await asyncio.sleep(60)
        small = history(size="5 secs", duration="60 S")
        assert (await answer(client, *small))[0] == "17"
        refused = await answer(client, *small)
        assert refused[3] == "162" and "pacing violation" in refused[4]
        for _again in range(2):
            assert (await answer(client, *history()))[0] == "17"
        await asyncio.sleep(15)
        assert (await answer(client, *small))[0] == "17"

    with_simulator(body)


def test_pacing_windows() -> None:
    """Fewer than six of one contract in two seconds, sixty in ten minutes, BID_ASK double, sixty subscriptions."""
    pacing = BarPacing()
    taken = [pacing.allows(("a", n), "SPY", weight=1, now_s=n * 0.3) for n in range(6)]
    assert taken == [True] * 5 + [False]
    assert pacing.allows(("a", 9), "QQQ", weight=1, now_s=1.6)
    assert pacing.allows(("a", 10), "SPY", weight=1, now_s=2.0)
    pacing = BarPacing()
    assert sum(pacing.allows(("b", n), n, weight=2, now_s=100.0 + n) for n in range(40)) == 30
    assert not pacing.allows("c", "c", weight=1, now_s=699.9)
    assert pacing.allows("c", "c", weight=1, now_s=700.0)
    assert sum(pacing.allows_real_time(1.0 + n) for n in range(100)) == 60
    assert What.TRADES.value == "TRADES"

"""Frames that streams write by hand, for speed, instead of by a table: every client reads them just the same."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from tests.golden.clients import VERSIONS, Speaker

from algo_trade.gateway_sim.depth import DepthStream, Ladder, Level
from algo_trade.gateway_sim.quotes import Quote
from algo_trade.gateway_sim.streams import LastStream, MiddleStream, PriceStream, TickStream, bid_ask_text

QUOTE = Quote(
    offset_ns=0,
    bid_e4=5_859_400,
    ask_e4=5_859_500,
    bid_size=300,
    ask_size=1_200,
    trade_e4=5_859_450,
    trade_size=100,
)
TIME_S = 1_775_741_400
Send = Callable[[bytes], None]


def bid_ask(send: Send) -> None:
    TickStream(7, send).show(TIME_S, QUOTE, bid_ask_text(QUOTE))


def bid_ask_without_sizes(send: Send) -> None:
    PriceStream(7, send).show(TIME_S, QUOTE, bid_ask_text(QUOTE))


def middle(send: Send) -> None:
    MiddleStream(7, send).show(TIME_S, QUOTE, bid_ask_text(QUOTE))


def last(send: Send) -> None:
    LastStream(7, "Last", "NASDAQ", send).show(TIME_S, QUOTE)


def all_last(send: Send) -> None:
    LastStream(7, "AllLast", "NASDAQ", send).show(TIME_S, QUOTE)


def depth(send: Send) -> None:
    DepthStream(7, 5, None, send).show(Ladder(bids=[Level(5_859_400, 300)]))


def depth_of_makers(send: Send) -> None:
    DepthStream(7, 5, "ARCA", send).show(Ladder(bids=[Level(5_859_400, 300)]))


_QUOTED = {"bidPrice": 585.94, "askPrice": 585.95, "bidSize": 300, "askSize": 1200, "time": TIME_S}
_TRADED = {"price": 585.945, "size": 100, "exchange": "NASDAQ", "specialConditions": "", "time": TIME_S}
_LEVEL = {"position": 0, "operation": 0, "side": 1, "price": 585.94, "size": 300}
# What writes it, the callback it becomes, and what is seen there.
FRAMES: dict[Callable[[Send], None], tuple[str, dict[str, Any]]] = {
    bid_ask: ("tickByTickBidAsk", _QUOTED),
    bid_ask_without_sizes: ("tickByTickBidAsk", _QUOTED),
    middle: ("tickByTickMidPoint", {"midPoint": 585.945, "time": TIME_S}),
    last: ("tickByTickAllLast", _TRADED | {"tickType": 1}),
    all_last: ("tickByTickAllLast", _TRADED | {"tickType": 2}),
    depth: ("updateMktDepth", _LEVEL),
    depth_of_makers: ("updateMktDepthL2", _LEVEL | {"marketMaker": "ARCA", "isSmartDepth": True}),
}


@pytest.mark.parametrize("write", FRAMES, ids=lambda write: write.__name__)
def test_each_client_reads_what_a_stream_writes(speaker: Speaker, write: Callable[[Send], None]) -> None:
    """At every version, to the last field."""
    sent: list[bytes] = []
    write(sent.append)
    (data,) = sent
    assert int.from_bytes(data[:4], "big") == len(data) - 4
    callback, expected = FRAMES[write]
    jobs = [{"version": version, "payload": data[4:].hex()} for version in VERSIONS[speaker.client]]
    for answer in speaker.ask(jobs):
        assert "failure" not in answer, answer["failure"]
        assert answer["unread"] == 0
        ((_, name), *arguments) = answer["calls"][0]
        assert name == callback
        seen = {path: value for path, value in arguments if "." not in path}
        assert 7 in (seen.get("reqId"), seen.get("tickerId"))
        for field, value in expected.items():
            # Decimals come as their text.
            shown = float(seen[field]) if re.fullmatch(r"[\d.]+", str(seen[field])) else seen[field]
            assert shown == value, field

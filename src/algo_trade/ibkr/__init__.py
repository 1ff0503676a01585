"""The gateway client: IBKR's TWS protocol, spoken so that nothing about an order is ever lost silently.

From the wire up: `framing` (bytes to frames) → `decode` and `layouts` (frames to `events`; what we do not decode
ourselves goes to `breadth`, ib_async's decoder) → `router` (events to listeners). Around them `link` is one TCP
connection, `connection` makes and watches links by the table in `state`, `pacer` decides who writes next, `lock`
refuses real money and `connectivity` reads the gateway's own notices. On top: `exec_client` (orders behind a
`gate`), `market_client` over `market_lines` (quotes, trades, bars, history), `snapshots` (what the broker has) and
`handler`, which wires them; `raw_reader` reads back what was received.
"""

from algo_trade.ibkr.answers import Answer, Known, Unknown
from algo_trade.ibkr.errors import (
    ClientIdInUse,
    IBKRError,
    LockRefused,
    NotConnected,
    OrderRefused,
    OrdersHalted,
    Refuse,
    Retry,
    Stop,
    Unreachable,
)
from algo_trade.ibkr.exec_client import IBKRExecClient
from algo_trade.ibkr.handler import IBKRHandler
from algo_trade.ibkr.lock import Mode, classify_mode
from algo_trade.ibkr.market_client import IBKRMarketClient
from algo_trade.ibkr.market_lines import Feed, Source
from algo_trade.ibkr.pacer import Lane, Pacer
from algo_trade.ibkr.state import ConnectionState

__all__ = [
    "Answer",
    "ClientIdInUse",
    "ConnectionState",
    "Feed",
    "IBKRError",
    "IBKRExecClient",
    "IBKRHandler",
    "IBKRMarketClient",
    "Known",
    "Lane",
    "LockRefused",
    "Mode",
    "NotConnected",
    "OrderRefused",
    "OrdersHalted",
    "Pacer",
    "Refuse",
    "Retry",
    "Source",
    "Stop",
    "Unknown",
    "Unreachable",
    "classify_mode",
]

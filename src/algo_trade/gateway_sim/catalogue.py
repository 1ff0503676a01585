"""The instruments the simulator knows: US stocks and funds, with the ids and names a real gateway gives them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from algo_trade.gateway_sim.wire.decode import Decoded
from algo_trade.gateway_sim.wire.values import to_int

_BY_NAME_BASE = 800_000_000
_BY_NAME_SPAN = 100_000_000


@dataclass(frozen=True, slots=True)
class Instrument:
    """A stock or fund. `listing` is its primary exchange; `algos` says whether algorithmic orders are taken."""

    con_id: int
    symbol: str
    listing: str
    long_name: str
    isin: str
    stock_type: str = "COMMON"
    industry: str = ""
    algos: bool = True

    @property
    def trading_class(self) -> str:
        return "NMS" if self.listing == "NASDAQ" else self.symbol

    def contract(self, exchange: str = "SMART") -> dict[str, str | int]:
        """The contract fields that most messages share."""
        return {
            "conId": self.con_id,
            "symbol": self.symbol,
            "secType": "STK",
            "exchange": exchange,
            "currency": "USD",
            "localSymbol": self.symbol,
            "tradingClass": self.trading_class,
        }


KNOWN: tuple[Instrument, ...] = (
    Instrument(756733, "SPY", "ARCA", "SPDR S&P 500 ETF TRUST", "US78462F1030", "ETF"),
    Instrument(320227571, "QQQ", "NASDAQ", "INVESCO QQQ TRUST SERIES 1", "US46090E1038", "ETF"),
    Instrument(9579970, "IWM", "ARCA", "ISHARES RUSSELL 2000 ETF", "US4642876555", "ETF"),
    Instrument(265598, "AAPL", "NASDAQ", "APPLE INC", "US0378331005", industry="Technology"),
    Instrument(272093, "MSFT", "NASDAQ", "MICROSOFT CORP", "US5949181045", industry="Technology"),
)


def derived_instrument(symbol: str) -> Instrument:
    """An instrument for a symbol nobody described: its id and ISIN follow from its name, the same everywhere."""
    number = int.from_bytes(hashlib.sha256(symbol.encode()).digest()[:6], "big")
    body = f"US{number % 10**9:09d}"
    return Instrument(
        _BY_NAME_BASE + number % _BY_NAME_SPAN,
        symbol,
        "NYSE",
        f"{symbol} (SIMULATED)",
        body + str(isin_check_digit(body)),
    )


def isin_check_digit(body: str) -> int:
    """The last digit of an ISIN from its first eleven characters (Luhn over letters written as numbers)."""
    digits = "".join(str(int(character, 36)) for character in body)
    total = 0
    for index, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if index % 2 == 0 else 1)
        total += value // 10 + value % 10
    return -total % 10


class Catalogue:
    """The instruments of one simulator."""

    def __init__(self, symbols: Iterable[str]) -> None:
        known = {instrument.symbol: instrument for instrument in KNOWN}
        self.by_symbol = dict(known)
        for symbol in symbols:
            self.by_symbol.setdefault(symbol, derived_instrument(symbol))
        self.by_con_id = {instrument.con_id: instrument for instrument in self.by_symbol.values()}

    def find(self, request: Decoded) -> Instrument | None:
        """The instrument a request names by conId, else localSymbol, else symbol; None when it fits none.

        Every other field that is given must agree, so a future on SPY does not turn into the fund.
        """
        instrument = self._named(request)
        if instrument is None:
            return None
        agrees = (
            request.text("secType") in {"", "STK"}
            and request.text("currency") in {"", "USD"}
            and request.text("symbol") in {"", instrument.symbol}
            and request.text("exchange") in {"", "SMART", "ISLAND", "NASDAQ", instrument.listing}
            and request.text("primaryExchange") in {"", "SMART", "ISLAND", instrument.listing}
        )
        return instrument if agrees else None

    def _named(self, request: Decoded) -> Instrument | None:
        con_id = to_int(request.text("conId")) or 0
        if con_id:
            return self.by_con_id.get(con_id)
        if request.text("secIdType") == "ISIN":
            wanted = request.text("secId")
            return next((known for known in self.by_symbol.values() if known.isin == wanted), None)
        name = request.text("localSymbol") or request.text("symbol")
        return self.by_symbol.get(name)

    def matching(self, pattern: str, limit: int = 16) -> list[Instrument]:
        """Instruments whose symbol starts with the pattern or whose name contains it."""
        wanted = pattern.strip().upper()
        if not wanted:
            return []
        return [
            instrument
            for instrument in self.by_symbol.values()
            if instrument.symbol.startswith(wanted) or wanted in instrument.long_name
        ][:limit]

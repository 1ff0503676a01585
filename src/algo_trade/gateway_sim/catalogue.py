"""The instruments the simulator knows: US stocks and funds, with the ids and names a real gateway gives them.

What is known of them comes from the catalogue file (`catalogue_file`); a symbol nobody described is derived from its
name, the same everywhere.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from algo_trade.clock import rng
from algo_trade.gateway_sim.book_market import IntradayPattern, MarketTerms
from algo_trade.gateway_sim.wire.decode import Decoded
from algo_trade.gateway_sim.wire.values import to_int

_BY_NAME_BASE = 800_000_000
_BY_NAME_SPAN = 100_000_000
# A symbol nobody described costs between these, give or take five percent.
_BY_NAME_DOLLARS = (50, 400)
DEFAULT_PATTERN = "us_stock"

_NAMING = (
    "conId", "symbol", "localSymbol", "secType", "currency", "exchange", "primaryExchange", "secIdType", "secId",
)  # fmt: skip

SYMBOL_FORM = r"[A-Z0-9][A-Z0-9. \-]{0,19}"


def isin_check_digit(body: str) -> int:
    """The last digit of an ISIN from its first eleven characters (Luhn over letters written as numbers)."""
    digits = "".join(str(int(character, 36)) for character in body)
    total = 0
    for index, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if index % 2 == 0 else 1)
        total += value // 10 + value % 10
    return -total % 10


def _checked_isin(isin: str) -> str:
    if isin[-1] != str(isin_check_digit(isin[:-1])):
        raise ValueError(f"the check digit of {isin} should be {isin_check_digit(isin[:-1])}")
    return isin


Name = Annotated[str, StringConstraints(strip_whitespace=True, to_upper=True, min_length=1, max_length=100)]
Isin = Annotated[str, Field(pattern=r"^[A-Z]{2}[A-Z0-9]{9}[0-9]$"), AfterValidator(_checked_isin)]


class Instrument(MarketTerms):
    """A stock or fund, and how it trades. `listing` is its primary exchange, `pattern` the name of its day's course."""

    con_id: Annotated[int, Field(ge=1, lt=2**31)]
    symbol: Annotated[str, Field(pattern=f"^{SYMBOL_FORM}$")]
    listing: Annotated[str, Field(pattern=r"^[A-Z]{2,12}$")] = "NYSE"
    long_name: Name
    isin: Isin
    stock_type: Name = "COMMON"
    industry: Annotated[str, StringConstraints(strip_whitespace=True, max_length=100)] = ""
    pattern: str = DEFAULT_PATTERN
    algos: bool = True
    """Whether the exchange takes algorithmic orders in it."""
    hard_to_borrow: bool = False
    """Whether nobody lends it: orders that would sell it short are held."""

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


def derived_identity(symbol: str) -> dict[str, str | int]:
    """Id, name and ISIN of a symbol, as they follow from its letters."""
    number = int.from_bytes(hashlib.sha256(symbol.encode()).digest()[:6], "big")
    body = f"US{number % 10**9:09d}"
    return {
        "con_id": _BY_NAME_BASE + number % _BY_NAME_SPAN,
        "symbol": symbol,
        "long_name": f"{symbol} (SIMULATED)",
        "isin": body + str(isin_check_digit(body)),
    }


def derived_instrument(symbol: str) -> Instrument:
    """An instrument for a symbol nobody described."""
    middle = rng(0, "symbol-price", symbol).uniform(*_BY_NAME_DOLLARS)
    prices = (round(0.95 * middle, 2), round(1.05 * middle, 2))
    return Instrument.model_validate({**derived_identity(symbol), "base_price": prices})


class Catalogue:
    """The instruments of one simulator: those that are `known`, and `symbols` that are not."""

    def __init__(
        self,
        symbols: Iterable[str],
        known: Mapping[str, Instrument],
        patterns: Mapping[str, IntradayPattern],
    ) -> None:
        self.by_symbol = dict(known)
        for symbol in symbols:
            if symbol not in self.by_symbol:
                self.by_symbol[symbol] = derived_instrument(symbol)
        self.by_con_id = {instrument.con_id: instrument for instrument in self.by_symbol.values()}
        self._patterns = patterns

    def pattern(self, instrument: Instrument) -> IntradayPattern:
        """The course of its day."""
        return self._patterns[instrument.pattern]

    def find(self, request: Decoded) -> Instrument | None:
        """The instrument a request names by conId, else localSymbol, else symbol; None when it fits none.

        Every other field that is given must agree, so a future on SPY does not turn into the fund.
        """
        con_id, symbol, local_symbol, sec_type, currency, exchange, primary_exchange, sec_id_type, sec_id = (
            request.texts(_NAMING)
        )
        number = to_int(con_id)
        if number:
            instrument = self.by_con_id.get(number)
        elif sec_id_type == "ISIN":
            instrument = next((known for known in self.by_symbol.values() if known.isin == sec_id), None)
        else:
            instrument = self.by_symbol.get(local_symbol or symbol)
        if instrument is None:
            return None
        agrees = (
            sec_type in {"", "STK"}
            and currency in {"", "USD"}
            and symbol in {"", instrument.symbol}
            and exchange in {"", "SMART", "ISLAND", "NASDAQ", instrument.listing}
            and primary_exchange in {"", "SMART", "ISLAND", instrument.listing}
        )
        return instrument if agrees else None

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

"""Account figures as clients see them, and what they are sent when those change."""

from __future__ import annotations

from algo_trade.clock import Clock, new_york
from algo_trade.gateway_sim.account import Account, Position
from algo_trade.gateway_sim.catalogue import Catalogue
from algo_trade.gateway_sim.connection import ClientConnection
from algo_trade.gateway_sim.markets import Markets
from algo_trade.gateway_sim.messages import portfolio_row, position_multi_row, position_row
from algo_trade.gateway_sim.subscriptions import Subscriptions
from algo_trade.gateway_sim.wire import replies
from algo_trade.gateway_sim.wire.values import money_text

# Reg T lets an account hold twice its equity overnight, and IBKR four times during the day.
_BUYING_POWER_FACTOR = 4
# Values that are one number for the account, without a currency.
_PLAIN = frozenset(
    (
        "AccountType",
        "AccountReady",
        "Cushion",
        "Leverage",
        "LookAheadNextChange",
        "HighestSeverity",
        "DayTradesRemaining",
    )
)
# Nothing changes overnight here, so what is ahead is what is now.
_LOOKED_AHEAD = ("InitMarginReq", "MaintMarginReq", "AvailableFunds", "ExcessLiquidity")
_LEDGER = ("CashBalance", "AccruedCash", "StockMarketValue", "UnrealizedPnL", "RealizedPnL")


class AccountFeed:
    """The account's figures, and the rows made of them."""

    def __init__(self, account: Account, catalogue: Catalogue, markets: Markets, clock: Clock) -> None:
        self._account = account
        self._catalogue = catalogue
        self._markets = markets
        self._clock = clock

    def values(self) -> dict[str, str]:
        """Account values by the gateway's names."""
        account, mark = self._account, self._markets.mark_micros
        equity = account.equity_micros(mark)
        initial = account.initial_margin_micros(mark)
        maintenance = account.maintenance_margin_micros(mark)
        long_value = sum(max(0, held.value_micros(mark(held.con_id))) for held in account.open_positions())
        short_value = sum(min(0, held.value_micros(mark(held.con_id))) for held in account.open_positions())
        money = {
            "NetLiquidation": equity,
            "TotalCashValue": account.cash_micros,
            "CashBalance": account.cash_micros,
            "SettledCash": account.cash_micros,
            "AccruedCash": 0,
            "EquityWithLoanValue": equity,
            "PreviousDayEquityWithLoanValue": equity,
            "GrossPositionValue": long_value - short_value,
            "StockMarketValue": long_value + short_value,
            "BuyingPower": max(0, equity - initial) * _BUYING_POWER_FACTOR,
            "AvailableFunds": equity - initial,
            "ExcessLiquidity": equity - maintenance,
            "InitMarginReq": initial,
            "MaintMarginReq": maintenance,
            "FullAvailableFunds": equity - initial,
            "FullExcessLiquidity": equity - maintenance,
            "FullInitMarginReq": initial,
            "FullMaintMarginReq": maintenance,
            "RealizedPnL": account.realized_micros(),
            "UnrealizedPnL": account.unrealized_micros(mark),
        }
        return {"AccountType": "INDIVIDUAL", "AccountReady": "true"} | {
            name: money_text(micros) for name, micros in money.items()
        }

    def summary_values(self) -> dict[str, str]:
        """What an account summary may ask for: as well, what only some programs read."""
        values = self.values()
        equity, excess = float(values["EquityWithLoanValue"]), float(values["ExcessLiquidity"])
        gross = float(values["GrossPositionValue"])
        values |= {f"LookAhead{name}": values[name] for name in _LOOKED_AHEAD}
        return values | {
            "ReqTEquity": values["EquityWithLoanValue"],
            "ReqTMargin": values["InitMarginReq"],
            "SMA": values["AvailableFunds"],
            "Cushion": f"{excess / equity:.6g}" if equity else "0",
            "Leverage": f"{gross / equity:.2f}" if equity else "0.00",
            "LookAheadNextChange": "0",
            "HighestSeverity": "0",
            "DayTradesRemaining": "-1",
        }

    def ledger(self) -> dict[str, str]:
        """What `$LEDGER` stands for: the account by currency, and there is one."""
        values = self.values()
        return {name: values[name] for name in _LEDGER} | {
            "Currency": "USD",
            "RealCurrency": "USD",
            "ExchangeRate": "1.00",
            "TotalCashBalance": values["CashBalance"],
            "NetLiquidationByCurrency": values["NetLiquidation"],
        }

    def currency(self, name: str) -> str:
        return "" if name in _PLAIN else "USD"

    # -- rows --------------------------------------------------------------------------------------
    def send_values(self, client: ClientConnection) -> None:
        """Account values, portfolio and the time: what follows request 6."""
        for name, value in self.values().items():
            client.reply(
                replies.ACCOUNT_VALUE,
                key=name,
                value=value,
                currency=self.currency(name),
                account=self._account.account_id,
            )
        for position in self._account.open_positions():
            self._send_portfolio(client, position)
        client.reply(replies.ACCOUNT_TIME, time=f"{new_york(self._clock.now_ns()):%H:%M}")

    def send_summary(self, client: ClientConnection, request_id: int, tags: tuple[str, ...]) -> None:
        """Rows of message 63 for the tags the account has."""
        values = self.summary_values()
        rows: dict[str, str] = {}
        for tag in tags or tuple(values):
            if tag.startswith("$LEDGER"):
                rows |= self.ledger()
            elif tag in values:
                rows[tag] = values[tag]
        for tag, value in rows.items():
            client.reply(
                replies.ACCOUNT_SUMMARY,
                reqId=request_id,
                account=self._account.account_id,
                tag=tag,
                value=value,
                currency=self.currency(tag),
            )

    def send_multi(self, client: ClientConnection, request_id: int, model: str, *, only_ledger: bool) -> None:
        """Rows of message 73: all values, or the ledger and the net liquidation value."""
        values = self.values()
        if only_ledger:
            values = {"NetLiquidation": values["NetLiquidation"], **self.ledger()}
        for name, value in values.items():
            client.reply(
                replies.ACCOUNT_UPDATE_MULTI,
                reqId=request_id,
                account=self._account.account_id,
                modelCode=model,
                key=name,
                value=value,
                currency=self.currency(name),
            )

    def send_positions(self, client: ClientConnection) -> None:
        for position in self._account.open_positions():
            self._send_position(client, position)

    def send_positions_multi(self, client: ClientConnection, request_id: int, model: str) -> None:
        for position in self._account.open_positions():
            self._send_position_multi(client, position, request_id, model)

    def send_pnl(self, client: ClientConnection, request_id: int) -> None:
        mark = self._markets.mark_micros
        realized, unrealized = self._account.realized_micros(), self._account.unrealized_micros(mark)
        client.reply(
            replies.PNL,
            reqId=request_id,
            daily=money_text(realized + unrealized),
            unrealized=money_text(unrealized),
            realized=money_text(realized),
        )

    def send_pnl_single(self, client: ClientConnection, request_id: int, con_id: int) -> None:
        position = self._account.positions.get(con_id, Position(con_id))
        mark = self._markets.mark_micros(con_id)
        unrealized = position.unrealized_micros(mark)
        client.reply(
            replies.PNL_SINGLE,
            reqId=request_id,
            position=position.shares,
            daily=money_text(position.realized_micros + unrealized),
            unrealized=money_text(unrealized),
            realized=money_text(position.realized_micros),
            value=money_text(position.value_micros(mark)),
        )

    # -- changes -----------------------------------------------------------------------------------
    def position_changed(self, client: ClientConnection, feeds: Subscriptions, position: Position) -> None:
        """A fill changed a position: tell a client what it subscribed to. A closed one is told with 0 shares."""
        if feeds.positions:
            self._send_position(client, position)
        for request_id, model in feeds.positions_multi.items():
            self._send_position_multi(client, position, request_id, model)
        if feeds.account_updates:
            if not position.shares:
                self._send_portfolio(client, position)
            self.send_values(client)
        for request_id, tags in feeds.summaries.items():
            self.send_summary(client, request_id, tags)
        for request_id, (model, only_ledger) in feeds.account_updates_multi.items():
            self.send_multi(client, request_id, model, only_ledger=only_ledger)

    def refresh_pnl(self, client: ClientConnection, feeds: Subscriptions) -> None:
        """The profit feeds, which tick once a second."""
        for request_id in sorted(feeds.pnl):
            self.send_pnl(client, request_id)
        for request_id, con_id in feeds.pnl_single.items():
            self.send_pnl_single(client, request_id, con_id)

    def _send_position(self, client: ClientConnection, position: Position) -> None:
        instrument = self._catalogue.by_con_id[position.con_id]
        client.send(position_row(position, instrument, self._account.account_id, client.version))

    def _send_position_multi(
        self, client: ClientConnection, position: Position, request_id: int, model: str
    ) -> None:
        instrument = self._catalogue.by_con_id[position.con_id]
        row = position_multi_row(
            position, instrument, self._account.account_id, client.version, request_id, model
        )
        client.send(row)

    def _send_portfolio(self, client: ClientConnection, position: Position) -> None:
        instrument = self._catalogue.by_con_id[position.con_id]
        mark = self._markets.mark_micros(position.con_id)
        client.send(portfolio_row(position, instrument, self._account.account_id, mark, client.version))

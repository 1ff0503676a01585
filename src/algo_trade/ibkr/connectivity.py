"""What the gateway's connectivity codes mean for us, as one table.

The TCP connection to the gateway says nothing about the gateway's own link to IBKR: during its nightly reset
our socket stays up while orders reach nobody. These notices tell, and each row says what follows:

- upstream down: no new order leaves, and everything known about orders is in doubt;
- upstream up again: reconcile before the next order, always; after 1101 the gateway has also forgotten our
  market data subscriptions;
- a market data farm that was broken and is back may have lost subscriptions without saying so;
- after 1300 the gateway closes the connection. It names a new port, which we do not follow: the paper lock
  accepted the configured one, and a port told by a message proves nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from algo_trade.ibkr.events import ConnectivityChanged, GatewayMessage


@dataclass(frozen=True, slots=True)
class Effect:
    """What one code does. `upstream_up` and `farm_up` None: the code says nothing about it."""

    upstream_up: bool | None = None
    reconcile: bool = False
    resubscribe: bool = False
    reconnect: bool = False
    farm_up: bool | None = None


TRUTH: dict[int, Effect] = {
    1100: Effect(upstream_up=False),
    1101: Effect(upstream_up=True, reconcile=True, resubscribe=True),
    1102: Effect(upstream_up=True, reconcile=True),
    1300: Effect(upstream_up=False, reconnect=True),
    2110: Effect(upstream_up=False),
    2103: Effect(farm_up=False),  # market data
    2104: Effect(farm_up=True),
    2105: Effect(farm_up=False),  # historical data
    2106: Effect(farm_up=True),
    2107: Effect(),  # inactive, available on demand
    2108: Effect(),
    2119: Effect(),  # connecting
    2157: Effect(farm_up=False),  # security definitions
    2158: Effect(farm_up=True),
}

_MARKET_DATA_FARM_OK = 2104
_FARM_CODES = frozenset({2103, 2104, 2105, 2106, 2107, 2108, 2119, 2157, 2158})


class Connectivity:
    """Folds the notices. `forget_link` at the end of a link; the notices seen are kept for the whole session."""

    def __init__(self) -> None:
        self.upstream_up = True
        self.broken_farms: dict[str, None] = {}  # names, in the order they broke
        self.farm_notices: dict[str, None] = {}  # texts, each once, in order of appearance

    def forget_link(self) -> None:
        """The next link says for itself what is up."""
        self.upstream_up = True
        self.broken_farms.clear()

    def observe(self, message: GatewayMessage) -> ConnectivityChanged | None:
        """What a notice changes; None when it changes nothing. `reconnect` is read from TRUTH by the owner."""
        effect = TRUTH.get(message.code)
        if effect is None:
            return None
        resubscribe = effect.resubscribe
        if message.code in _FARM_CODES:
            self.farm_notices[message.text] = None
            resubscribe = self._farm(message, effect)
        if effect.upstream_up is not None:
            self.upstream_up = effect.upstream_up
        if effect.upstream_up is None and effect.farm_up is not False and not resubscribe:
            return None
        return ConnectivityChanged(
            code=message.code,
            text=message.text,
            upstream_up=self.upstream_up,
            reconcile=effect.reconcile,
            resubscribe=resubscribe,
            arrival_ns=message.arrival_ns,
        )

    def _farm(self, message: GatewayMessage, effect: Effect) -> bool:
        """Keep the farm's state; true when subscriptions of a farm that is back have to be made again."""
        name = message.text.rpartition(":")[2].strip()
        if effect.farm_up is False:
            self.broken_farms[name] = None
            return False
        was_broken = effect.farm_up is True and name in self.broken_farms
        if was_broken:
            del self.broken_farms[name]
        return was_broken and message.code == _MARKET_DATA_FARM_OK

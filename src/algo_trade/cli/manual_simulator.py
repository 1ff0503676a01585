"""The manual's pages about the gateway simulator by itself."""

from __future__ import annotations

from collections.abc import Mapping

from algo_trade.cli.page import Page
from algo_trade.exit_codes import ExitCode

# A simulator refuses an order or a fault with exit 1, a malformed one with 2, and one that is not there is 4.
_CONTROL_CODES = (ExitCode.OK, ExitCode.GATE_FAILED, ExitCode.USAGE, ExitCode.UNREACHABLE)

SIMULATOR: Mapping[str, Page] = {
    "sim": Page(
        short="The gateway simulator by itself.",
        text="""
            The gateway simulator by itself: a TCP server that speaks the TWS protocol, for any TWS client in any
            language. docs/simulator.md shows how to use it, and says what it models.
        """,
    ),
    "sim serve": Page(
        short="Serve until Ctrl-C.",
        text="""
            Serve the gateway simulator until Ctrl-C.

            It speaks the TWS protocol at server version 178 as the paper account DSIM001, and prints one JSON line
            with host and port when it listens. docs/assumptions.md says what its market and its fills assume.

            With --lines N clients have N market data lines, N/2 messages a second (at least 50), N/20 tick-by-tick
            streams (at least 5) and N/100 books (3 to 60). With --delayed SPY,QQQ they get only delayed data of these,
            if they ask for it (10167), else error 354.

            With --state-dir it may be killed at any moment and goes on where it was; what was never transmitted is
            lost, as in a real gateway. With --control-port it can be looked at, be made to fail, and a person can
            trade in it by hand: sim status, sim fault, sim order.
        """,
        examples=(
            ("algotrade sim serve", "listen where IB Gateway's paper session would, 127.0.0.1:4002"),
            ("algotrade sim serve --port 0 --seed 7 --symbols SPY,QQQ", "any free port, another market"),
            (
                "algotrade sim serve --quotes AAPL=quotes.csv --speed 60",
                "a recorded day, sixty times as fast",
            ),
            (
                "algotrade sim serve --state-dir sim --control-port 4003",
                "one that remembers and can be steered",
            ),
            ("algotrade sim serve --symbols SPY,AAPL --delayed AAPL", "an account without live data of AAPL"),
            ("algotrade sim serve --replay monday.rec", "what sim record wrote, again"),
        ),
        codes=(ExitCode.OK, ExitCode.USAGE, ExitCode.CONFIG),
    ),
    "sim record": Page(
        short="Serve until Ctrl-C, and write what was served.",
        text="""
            Serve as sim serve does, and write every quote, trade, halt and opening of every market into a file, with
            the settings that decide about what a client is told. `sim serve --replay` plays it: asked the same at the
            same moments it answers the same bytes; at another time of day only times, and the ids made from them,
            differ.
        """,
        examples=(
            ("algotrade sim record --out monday.rec", "the seeded market of today"),
            ("algotrade sim record --out busy.rec --symbols SPY,AAPL --speed 4", "four times as fast"),
        ),
        codes=(ExitCode.OK, ExitCode.USAGE, ExitCode.CONFIG),
    ),
    "sim status": Page(
        short="Look at a simulator that runs.",
        text="""
            Tell what a running simulator knows: its clients and their versions, open orders, positions, the market,
            its clock, its limits, and the faults that are armed. Looking changes nothing.

            The simulator must have a control port (sim serve --control-port); it is found by --control-port here or
            ALGOTRADE_SIM_CONTROL.
        """,
        examples=(
            ("algotrade sim status --control-port 4003", "in a few lines"),
            ("algotrade sim status --control-port 4003 --json | jq .clients", "for scripts"),
        ),
        codes=_CONTROL_CODES,
    ),
    "sim fault": Page(
        short="Make something go wrong.",
        text="""
            Make something go wrong in a running simulator: connections that drop, a gateway that goes silent, lost
            connectivity (1100, then 1101 or 1102), broken farms, late acknowledgements, rejected orders, callbacks
            that are lost or doubled, corrected executions, restarts. Without a fault it lists what is armed and what
            there is, with its parameters and their defaults. `none` ends everything that is armed.
        """,
        examples=(
            ("algotrade sim fault --control-port 4003", "what there is"),
            ("algotrade sim fault drop client=7 abrupt=true --control-port 4003", "a reset in mid-frame"),
            (
                "algotrade sim fault connectivity_lost seconds=30 --control-port 4003",
                "1100, and 1102 half a minute later",
            ),
            ("algotrade sim fault lose_next what=execution --control-port 4003", "a fill nobody tells of"),
            ("algotrade sim fault none --control-port 4003", "all is well again"),
        ),
        codes=_CONTROL_CODES,
    ),
    "sim order": Page(
        short="Trade by hand, beside every program.",
        text="""
            Be the human who trades the same account by hand. Such an order belongs to client 0, which sees it once it
            asks for open orders; every client sees it among all open orders, and in the positions.
        """,
    ),
    "sim order buy": Page(
        short="Buy by hand.",
        text="""
            Buy shares of one symbol. With --limit it is a limit order, with --stop a stop, with neither a market order.
        """,
        examples=(
            ("algotrade sim order buy 10 SPY --control-port 4003", "at the market"),
            ("algotrade sim order buy 10 SPY --limit 550 --tif GTC --control-port 4003", "or wait for it"),
        ),
        codes=_CONTROL_CODES,
    ),
    "sim order sell": Page(
        short="Sell by hand.",
        text="Sell shares of one symbol, as sim order buy buys them.",
        examples=(("algotrade sim order sell 10 SPY --stop 540 --control-port 4003", "below the market"),),
        codes=_CONTROL_CODES,
    ),
    "sim order cancel": Page(
        short="Cancel an order by hand.",
        text="Cancel an order by its permId. A person may cancel anybody's.",
        examples=(("algotrade sim order cancel 1773139151 --control-port 4003", "as list shows it"),),
        codes=_CONTROL_CODES,
    ),
    "sim order list": Page(
        short="List the orders that are open.",
        text="List the orders that can still fill, whoever placed them.",
        examples=(
            ("algotrade sim order list --control-port 4003", "a line each"),
            ("algotrade sim order list --control-port 4003 --json | jq .[].perm_id", "for scripts"),
        ),
        codes=_CONTROL_CODES,
    ),
    "sim instruments": Page(
        short="List the instruments of the simulator.",
        text="""
            List the instruments the simulator knows and how each of them trades. docs/catalogue.md shows how to add
            your own.
        """,
        examples=(
            ("algotrade sim instruments", "those that come with it"),
            ("algotrade sim instruments --catalogue mine.yaml --json", "with your own, for scripts"),
        ),
        codes=(ExitCode.OK, ExitCode.USAGE, ExitCode.CONFIG),
    ),
}

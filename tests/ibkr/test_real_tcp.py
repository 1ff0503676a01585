"""The same client on the machine's own loop and TCP: connect, ask, trade, lose the connection, come back."""

from __future__ import annotations

import asyncio

from tests.ibkr import frames
from tests.ibkr.frames import payload
from tests.ibkr.helpers import settings
from tests.ibkr.scripted import Gateway, Peer, Script
from tests.ibkr.test_exec_client import approved

from algo_trade.clock import Clock, rng, run_real
from algo_trade.ibkr import IBKRHandler, Known
from algo_trade.ibkr.events import Execution, LinkChanged


def fill(peer: Peer, fields: list[str]) -> None:
    peer.send(
        frames.open_order(int(fields[1])),
        frames.execution(order_id=int(fields[1])),
        frames.commission_report(),
    )


def test_over_real_tcp() -> None:
    async def main(clock: Clock) -> None:
        gateway = Gateway(Script(replies={"3": fill, "61": lambda peer, _: peer.send(payload(62, 1))}))
        port = await gateway.start(0)
        handler = IBKRHandler(settings(port=port, reconnect_backoff_sec=0.05), clock, rng(1, "ibkr"))
        links: list[str] = []
        handler.listen(LinkChanged, lambda event: links.append(event.state))
        try:
            async with asyncio.timeout(10):
                await handler.start()
                assert await handler.get_positions() == Known(())
                assert handler.orders.gate.open(handler.orders.gate.epoch)
                await handler.orders.place_order(approved(), handler.orders.next_order_id())
                async for report in handler.orders.poll_reports():
                    if isinstance(report, Execution):
                        assert report.order_id == 100
                        break
                gateway.peer.close()
                while links.count("connected") < 2:
                    await asyncio.sleep(0.01)
                assert await handler.get_positions() == Known(())
        finally:
            await handler.close()
            gateway.stop_listening()
        assert links[-1] == "disconnected"

    run_real(main)

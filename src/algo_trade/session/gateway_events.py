"""What the gateway says of itself, on its way into the session's log."""

from __future__ import annotations

from algo_trade.contracts import SessionEventKind, Severity
from algo_trade.ibkr import IBKRHandler
from algo_trade.ibkr.events import GatewayMessage, LinkChanged
from algo_trade.session.log import SessionLog

# Warnings in the gateway's own list, and 202: that an order is cancelled, as somebody asked.
_NOTICES = frozenset({*range(2100, 2200), 202})


def note_gateway_events(handler: IBKRHandler, log: SessionLog) -> None:
    """From now on, every message without an order's ear of its own, and every change of the link."""

    def on_message(event: GatewayMessage) -> None:
        log(
            SessionEventKind.GATEWAY_ERROR,
            event.text,
            severity=Severity.INFO if event.code in _NOTICES else Severity.WARNING,
            code=event.code,
            data={"request": event.req_id},
        )

    def on_link(event: LinkChanged) -> None:
        log(SessionEventKind.GATEWAY_STATE, event.reason, data={"state": event.state})

    handler.listen(GatewayMessage, on_message)
    handler.listen(LinkChanged, on_link)

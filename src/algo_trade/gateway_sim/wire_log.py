"""A note of every order frame that arrived, for those who count what was really sent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TextIO

from algo_trade.gateway_sim.wire.decode import Decoded


class WireLog:
    """`placed_order_refs` has the orderRef of every placeOrder frame, in order of arrival, refused ones included.

    With a path each placeOrder and cancelOrder frame is also a line of JSON there, flushed before it is handled.
    """

    def __init__(self, path: Path | None) -> None:
        self.placed_order_refs: list[str] = []
        self._file: TextIO | None = None
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("a", encoding="utf-8", errors="backslashreplace")

    def note(self, request: Decoded, client_id: int, arrived_ns: int) -> None:
        """Write down a placeOrder or cancelOrder frame; other frames are nothing to us."""
        if request.name == "place_order":
            self.placed_order_refs.append(request.text("orderRef"))
        elif request.name != "cancel_order":
            return
        if self._file is not None:
            line = {
                "frame": "placeOrder" if request.name == "place_order" else "cancelOrder",
                "client_id": client_id,
                "order_id": request.request_id,
                "order_ref": request.text("orderRef"),
                "arrived_ns": arrived_ns,
            }
            self._file.write(json.dumps(line) + "\n")
            self._file.flush()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

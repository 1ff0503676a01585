"""Sends back what it is sent, on asyncio's own protocol: the floor under every round trip here. Prints its port."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import cast

from benchmarks.measuring import pin


class Echo(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._transport.write(data)


async def main() -> None:
    pin(int(sys.argv[1]))
    server = await asyncio.get_running_loop().create_server(Echo, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    print(json.dumps({"host": host, "port": port}), flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())

"""Runs inside a client's own environment: its decoder and its encoder behind JSON lines on the standard streams.

A line in is a list of jobs, a line out the list of their answers. `{"version", "payload"}` is decoded by the client:
the answer holds what its user would see, as [path, value] pairs, the number of fields left unread, or the failure.
`{"version", "method", "arguments"}` is encoded by it: the answer holds the bytes it would have sent.
Nothing here may import more than the client and the standard library.
"""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import json
import logging
import struct
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, date
from typing import Any

Leaf = tuple[str, Any]


class Failures(logging.Handler):
    """What a client only logs about a frame it could not read."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        reason = record.exc_info[1] if record.exc_info else ""
        self.texts.append(f"{record.getMessage()[:200]} {reason!r}")


class Fields(tuple[bytes, ...]):
    """Fields that tell how many of them were not read: the decoder takes them from one iterator."""

    def __iter__(self) -> Iterator[bytes]:
        self.reading = super().__iter__()
        return self.reading

    def unread(self) -> int:
        return len(list(self.reading)) if hasattr(self, "reading") else 0


def leaves(path: str, value: Any) -> Iterator[Leaf]:
    """The values inside an argument with their paths: `contract.symbol`, `secIdList.[0].tag`."""
    if value is None or isinstance(value, (bool, int, float, str)):
        yield path, value
    elif isinstance(value, date):
        yield path, value.isoformat()
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from leaves(f"{path}.{name}", inner)
    elif hasattr(value, "_asdict"):
        yield from leaves(path, value._asdict())
    elif isinstance(value, (list, tuple, set)):
        for index, inner in enumerate(value):
            yield from leaves(f"{path}.[{index}]", inner)
    elif dataclasses.is_dataclass(value):
        yield from leaves(
            path, {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        )
    elif hasattr(value, "__dict__"):
        yield from leaves(path, vars(value))
    else:
        yield path, str(value)


def recorder(base: type, calls: list[list[Leaf]]) -> Any:
    """A wrapper that writes down every call with the names its own class gives the arguments."""

    def record(name: str, method: Callable[..., Any]) -> Callable[..., None]:
        names = list(inspect.signature(method).parameters)[1:]

        def called(_: Any, *arguments: Any) -> None:
            assert len(arguments) <= len(names), f"{name} called with {len(arguments)} arguments"
            found: list[Leaf] = [("callback", name)]
            for argument, value in zip(names, arguments, strict=False):
                found += leaves(argument, value)
            calls.append(found)

        return called

    methods = inspect.getmembers(base, inspect.isfunction)
    overridden = {name: record(name, method) for name, method in methods if not name.startswith("_")}
    return type("Recorder", (base,), {**overridden, "__init__": lambda self: None})()


class IbAsync:
    """ib_async and ib_insync."""

    def __init__(self, module: str) -> None:
        self.api = importlib.import_module(module)
        self.calls: list[list[Leaf]] = []
        decoder = importlib.import_module(f"{module}.decoder")
        self._wrapper = recorder(importlib.import_module(f"{module}.wrapper").Wrapper, self.calls)
        self._wrapper.defaultTimezone = UTC
        self._wrapper.ib = type("Ib", (), {"TimezoneTWS": ""})()
        self._decoder = decoder.Decoder(self._wrapper, 0)

    def decode(self, version: int, payload: bytes) -> int:
        self._decoder.serverVersion = version
        self._decoder.interpret(payload.decode(errors="backslashreplace").split("\0")[:-1])
        return 0

    def encode(self, version: int, method: str, arguments: list[Any]) -> bytes:
        client = self.api.Client(self._wrapper)
        client._serverVersion, client.connState = version, self.api.Client.CONNECTED
        written: list[str] = []
        client.sendMsg = written.append
        getattr(client, method)(*arguments)
        return written[0].encode()


class Ibapi:
    """Interactive Brokers' own client, old and new."""

    def __init__(self) -> None:
        self.api = importlib.import_module("ibapi.client")
        self.calls: list[list[Leaf]] = []
        self._comm = importlib.import_module("ibapi.comm")
        self._wrapper = recorder(importlib.import_module("ibapi.wrapper").EWrapper, self.calls)
        self._decoder = importlib.import_module("ibapi.decoder").Decoder(self._wrapper, 0)
        self._splits_id = "msgId" in inspect.signature(self._decoder.interpret).parameters

    def decode(self, version: int, payload: bytes) -> int:
        self._decoder.serverVersion = version
        if self._splits_id:
            head, _, rest = payload.partition(b"\0")
            fields = Fields(self._comm.read_fields(rest))
            self._decoder.interpret(fields, int(head))
        else:
            fields = Fields(self._comm.read_fields(payload))
            self._decoder.interpret(fields)
        return fields.unread()

    def encode(self, version: int, method: str, arguments: list[Any]) -> bytes:
        client = self.api.EClient(self._wrapper)
        client.serverVersion_ = version
        client.setConnState(self.api.EClient.CONNECTED)
        written: list[bytes] = []
        client.conn = type(
            "Conn", (), {"sendMsg": lambda _, data: written.append(data), "isConnected": lambda _: True}
        )()
        getattr(client, method)(*arguments)
        if not written:
            raise RuntimeError(f"nothing sent; the client said {self.calls}")
        (size,) = struct.unpack(">I", written[0][:4])
        assert size == len(written[0]) - 4
        return written[0][4:]


CLASSES = {
    "Contract": "ibapi.contract",
    "Order": "ibapi.order",
    "ExecutionFilter": "ibapi.execution",
    "OrderCancel": "ibapi.order_cancel",
    "TagValue": "ibapi.tag_value",
}


def build(speaker: IbAsync | Ibapi, argument: Any) -> Any:
    """`{"class": name, ...}` as the client's own object."""
    if isinstance(argument, list):
        return [build(speaker, inner) for inner in argument]
    if not isinstance(argument, dict):
        return argument
    name = argument["class"]
    if isinstance(speaker, Ibapi):
        made = getattr(importlib.import_module(CLASSES[name]), name)
    else:
        made = getattr(speaker.api, name)
    attributes = {key: build(speaker, value) for key, value in argument.items() if key != "class"}
    if name == "TagValue":
        return made(attributes["tag"], attributes["value"])
    instance = made()
    for key, value in attributes.items():
        if not hasattr(instance, key):
            raise AttributeError(f"{name} has no {key}")
        setattr(instance, key, value)
    return instance


def fitted(speaker: IbAsync | Ibapi, method: str, arguments: list[Any]) -> list[Any]:
    """Cancelling has an argument more from one generation to the next: nothing, a time, an object."""
    if method not in {"cancelOrder", "reqGlobalCancel"}:
        return arguments
    wanted = inspect.signature(
        getattr(speaker.api.EClient if isinstance(speaker, Ibapi) else speaker.api.Client, method)
    )
    names = list(wanted.parameters)[1:]
    if "orderCancel" in names:
        given = arguments[1] if len(arguments) > 1 else ""
        return [*arguments[:1], {"class": "OrderCancel", "manualOrderCancelTime": given}][-len(names) :]
    return arguments[: len(names)]


def answer(speaker: IbAsync | Ibapi, failures: Failures, job: dict[str, Any]) -> dict[str, Any]:
    speaker.calls.clear()
    failures.texts.clear()
    try:
        if "payload" in job:
            left = speaker.decode(job["version"], bytes.fromhex(job["payload"]))
            if failures.texts:
                return {"failure": "; ".join(failures.texts)}
            return {"calls": speaker.calls.copy(), "unread": left}
        arguments = build(speaker, fitted(speaker, job["method"], job["arguments"]))
        return {"payload": speaker.encode(job["version"], job["method"], arguments).hex()}
    except Exception as error:  # noqa: BLE001  # whatever it is, it is told to the test
        return {"failure": repr(error)}


def main(client: str) -> None:
    speaker = IbAsync(client) if client in {"ib_async", "ib_insync"} else Ibapi()
    failures = Failures()
    logging.getLogger().addHandler(failures)
    for line in sys.stdin:
        answers = [answer(speaker, failures, job) for job in json.loads(line)]
        sys.stdout.write(json.dumps(answers) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1])

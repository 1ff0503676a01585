"""The control port: its paths, and what each one does.

    GET     /status            everything: clients, orders, positions, market, clock, limits, faults
    GET     /clock             the gateway's time
    GET     /orders            orders that can still fill
    POST    /orders            place one by hand: a Ticket
    DELETE  /orders/PERM_ID    cancel one, whoever placed it
    GET     /faults            the faults that are armed, and the schema of all there are
    POST    /faults            arm one
    DELETE  /faults            end all that are armed

What is not understood is 400 or 404, what the gateway refuses 422 with its own code, what cannot happen now 409.
"""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from algo_trade.gateway_sim.control import status
from algo_trade.gateway_sim.control.http import HttpError, HttpRequest, HttpServer
from algo_trade.gateway_sim.errors import RequestError
from algo_trade.gateway_sim.faults import FaultRefused
from algo_trade.gateway_sim.faults.table import FAULT
from algo_trade.gateway_sim.simulator import GatewaySimulator
from algo_trade.gateway_sim.ticket import Ticket

T = TypeVar("T")
_TICKET = TypeAdapter(Ticket)
_PERM_ID_DIGITS = 10


class ControlPort:
    """The control port of one simulator."""

    def __init__(self, simulator: GatewaySimulator) -> None:
        self._simulator = simulator
        self._server = HttpServer(self._answer)
        self._routes: dict[tuple[str, str], Callable[[bytes], tuple[HTTPStatus, Any]]] = {
            ("GET", "/status"): lambda _: (HTTPStatus.OK, status.status(simulator)),
            ("GET", "/clock"): lambda _: (HTTPStatus.OK, status.clock(simulator.gateway)),
            ("GET", "/orders"): lambda _: (HTTPStatus.OK, [status.order(each) for each in simulator.orders]),
            ("POST", "/orders"): self._place,
            ("GET", "/faults"): lambda _: (HTTPStatus.OK, self._faults()),
            ("POST", "/faults"): self._arm,
            ("DELETE", "/faults"): self._clear,
        }

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> tuple[str, int]:
        """Listen; returns host and port as bound. ValueError for an address others can reach, OSError when taken."""
        return await self._server.start(host, port)

    async def stop(self) -> None:
        await self._server.stop()

    def _answer(self, request: HttpRequest) -> tuple[HTTPStatus, Any]:
        method, path = request.method, request.path
        route = self._routes.get((method, path))
        try:
            if route is not None:
                return route(request.body)
            if method == "DELETE" and path.startswith("/orders/"):
                return self._cancel(path.removeprefix("/orders/"))
        except RequestError as error:
            raise HttpError(HTTPStatus.UNPROCESSABLE_ENTITY, error.text, code=error.code) from None
        except FaultRefused as error:
            raise HttpError(HTTPStatus.CONFLICT, str(error)) from None
        allowed = sorted(known for known, there in self._routes if there == path)
        if allowed:
            raise HttpError(HTTPStatus.METHOD_NOT_ALLOWED, f"{path} has {', '.join(allowed)}")
        raise HttpError(HTTPStatus.NOT_FOUND, f"there is no {method} {path[:100]}")

    def _place(self, body: bytes) -> tuple[HTTPStatus, Any]:
        order = self._simulator.place_manual_order(_read(_TICKET, body))
        return HTTPStatus.CREATED, status.order(order)

    def _cancel(self, perm_id: str) -> tuple[HTTPStatus, Any]:
        if not (perm_id.isascii() and perm_id.isdigit() and len(perm_id) <= _PERM_ID_DIGITS):
            raise HttpError(HTTPStatus.BAD_REQUEST, "an order is named by its permId, a number")
        return HTTPStatus.ACCEPTED, status.order(self._simulator.cancel_order(int(perm_id)))

    def _faults(self) -> Any:
        armed = [status.armed(each) for each in self._simulator.faults.armed]
        return {"armed": armed, "schema": FAULT.json_schema()}

    def _arm(self, body: bytes) -> tuple[HTTPStatus, Any]:
        fault = _read(FAULT, body)
        self._simulator.faults.arm(fault)
        return HTTPStatus.CREATED, fault.model_dump(mode="json")

    def _clear(self, _body: bytes) -> tuple[HTTPStatus, Any]:
        self._simulator.faults.clear()
        return HTTPStatus.OK, {"armed": []}


def _read(kind: TypeAdapter[T], body: bytes) -> T:
    try:
        return kind.validate_json(body)
    except ValidationError as error:
        problems = [
            f"{'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}".removeprefix(": ")
            for problem in error.errors(include_url=False, include_input=False, include_context=False)
        ]
        raise HttpError(HTTPStatus.BAD_REQUEST, "; ".join(problems)) from None

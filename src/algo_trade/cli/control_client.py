"""Talks to the control port of a simulator that runs on this machine."""

from __future__ import annotations

import http.client
import json
from typing import Annotated, Any

import typer

from algo_trade.exit_codes import ExitCode

_TIMEOUT_S = 10.0

ControlOption = Annotated[
    int,
    typer.Option(
        "--control-port",
        envvar="ALGOTRADE_SIM_CONTROL",
        min=1,
        max=65535,
        help="The simulator's control port, as its first line of output says.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON value, for scripts.")]


class ControlError(Exception):
    """The control port said no, or nobody is there."""

    def __init__(self, text: str, exit_code: ExitCode) -> None:
        super().__init__(text)
        self.exit_code = exit_code


def ask(port: int, method: str, path: str, sent: Any = None) -> Any:
    """What the control port answers; ControlError when it refuses (exit 1), or is not there (exit 4)."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_S)
    try:
        headers = {} if sent is None else {"Content-Type": "application/json"}
        connection.request(method, path, None if sent is None else json.dumps(sent), headers)
        answer = connection.getresponse()
        told = json.loads(answer.read())
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise ControlError(
            f"no simulator's control port answers at 127.0.0.1:{port}: {error}", ExitCode.UNREACHABLE
        ) from None
    finally:
        connection.close()
    if answer.status >= http.client.BAD_REQUEST:
        code = f" (error {told['code']})" if "code" in told else ""
        usage = answer.status == http.client.BAD_REQUEST
        raise ControlError(told["error"] + code, ExitCode.USAGE if usage else ExitCode.GATE_FAILED)
    return told

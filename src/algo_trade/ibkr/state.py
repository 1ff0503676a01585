"""The life of our connection to a gateway, as one table.

Theory. Rule 1: one task owns the connection, so there is never a second reconnect loop and every transition
has one author. Rule 2: what a failed attempt means depends on whether a session is running. Before the first
CONNECTED nothing is at stake, so patience is short and its end is FAILED: a person waits at the prompt. Once
connected, orders may be working at the broker, so giving up is no answer: after the quick tries the state is
ERROR, which alarms and keeps trying for ever (a gateway's nightly restart takes minutes). Rule 3: FAILED is
final. It is reached by spent start-up patience and by a refusal (paper lock, unknown version) at any time.

CONNECTED means: handshake done, accounts known and accepted by the paper lock, next order id known. It does
not mean that orders may leave; for that somebody has to reconcile first (`ExecGate`).
"""

from __future__ import annotations

from enum import Enum


class ConnectionState(Enum):
    DISCONNECTED = "disconnected"  # nothing is wanted
    CONNECTING = "connecting"  # start-up attempts
    CONNECTED = "connected"
    RECONNECTING = "reconnecting"  # lost in mid-session; quick tries
    ERROR = "error"  # lost for longer; slow tries for ever
    FAILED = "failed"  # final


class Trigger(Enum):
    START = "start"
    READY = "ready"  # an attempt got everything CONNECTED stands for
    ATTEMPT_FAILED = "attempt failed"
    PATIENCE_SPENT = "patience spent"  # no more start-up attempts, or no more quick tries
    LOST = "lost"
    REFUSED = "refused"  # by the paper lock, or an unknown version
    STOP = "stop"


_S, _T = ConnectionState, Trigger

TRANSITIONS: dict[tuple[ConnectionState, Trigger], ConnectionState] = {
    (_S.DISCONNECTED, _T.START): _S.CONNECTING,
    (_S.CONNECTING, _T.READY): _S.CONNECTED,
    (_S.CONNECTING, _T.ATTEMPT_FAILED): _S.CONNECTING,
    (_S.CONNECTING, _T.PATIENCE_SPENT): _S.FAILED,
    (_S.CONNECTED, _T.LOST): _S.RECONNECTING,
    (_S.RECONNECTING, _T.READY): _S.CONNECTED,
    (_S.RECONNECTING, _T.ATTEMPT_FAILED): _S.RECONNECTING,
    (_S.RECONNECTING, _T.PATIENCE_SPENT): _S.ERROR,
    (_S.ERROR, _T.READY): _S.CONNECTED,
    (_S.ERROR, _T.ATTEMPT_FAILED): _S.ERROR,
    **{(state, _T.REFUSED): _S.FAILED for state in (_S.CONNECTING, _S.CONNECTED, _S.RECONNECTING, _S.ERROR)},
    **{
        (state, _T.STOP): _S.DISCONNECTED
        for state in (_S.DISCONNECTED, _S.CONNECTING, _S.CONNECTED, _S.RECONNECTING, _S.ERROR)
    },
    (_S.FAILED, _T.STOP): _S.FAILED,
}


class IllegalTransition(AssertionError):
    """A transition the table does not have: a defect of ours."""


def advance(state: ConnectionState, trigger: Trigger) -> ConnectionState:
    """The next state. Raises IllegalTransition for what the table does not allow."""
    after = TRANSITIONS.get((state, trigger))
    if after is None:
        raise IllegalTransition(f"{trigger.value!r} in state {state.value!r}")
    return after

"""The tables: connection states, the paper lock, what a session may call itself, connectivity codes."""

from __future__ import annotations

from itertools import product

import pytest

from algo_trade.exit_codes import ExitCode
from algo_trade.ibkr.connectivity import TRUTH, Connectivity
from algo_trade.ibkr.errors import LockRefused
from algo_trade.ibkr.events import ConnectivityChanged, GatewayMessage
from algo_trade.ibkr.lock import check_accounts, check_address, classify_mode
from algo_trade.ibkr.state import TRANSITIONS, ConnectionState, IllegalTransition, Trigger, advance


@pytest.mark.parametrize(("state", "trigger"), list(product(ConnectionState, Trigger)))
def test_every_transition_is_in_the_table_or_raises(state: ConnectionState, trigger: Trigger) -> None:
    if (state, trigger) in TRANSITIONS:
        assert advance(state, trigger) is TRANSITIONS[state, trigger]
    else:
        with pytest.raises(IllegalTransition):
            advance(state, trigger)


def test_the_promises_of_the_table() -> None:
    """FAILED is final; only start-up patience or a refusal leads there; a lost session is never given up."""
    into_failed = {key for key, after in TRANSITIONS.items() if after is ConnectionState.FAILED}
    assert {trigger for state, trigger in into_failed if state is not ConnectionState.FAILED} == {
        Trigger.PATIENCE_SPENT,
        Trigger.REFUSED,
    }
    assert (ConnectionState.CONNECTING, Trigger.PATIENCE_SPENT) in into_failed
    assert (ConnectionState.RECONNECTING, Trigger.PATIENCE_SPENT) not in into_failed
    out_of_failed = {after for (state, _), after in TRANSITIONS.items() if state is ConnectionState.FAILED}
    assert out_of_failed == {ConnectionState.FAILED}
    stoppable = {state for state, trigger in TRANSITIONS if trigger is Trigger.STOP}
    assert stoppable == set(ConnectionState)
    reached = {after for _, after in TRANSITIONS.items()}
    assert reached == set(ConnectionState)


@pytest.mark.parametrize(
    ("host", "port", "paper_mode", "allowed"),
    [
        ("127.0.0.1", 4002, True, True),
        ("127.0.0.1", 7497, True, True),
        ("localhost", 50123, True, True),
        ("::1", 4002, True, True),
        ("127.0.0.1", 4001, True, False),
        ("127.0.0.1", 7496, True, False),
        ("192.168.1.7", 4002, True, False),
        ("gateway.example.com", 4002, True, False),
        ("0.0.0.0", 4002, True, False),
        ("127.0.0.1", 4002, False, False),
    ],
)
def test_the_lock_on_addresses(host: str, port: int, paper_mode: bool, allowed: bool) -> None:
    if allowed:
        check_address(host, port, paper_mode=paper_mode)
    else:
        with pytest.raises(LockRefused) as refused:
            check_address(host, port, paper_mode=paper_mode)
        assert refused.value.exit_code is ExitCode.LOCK_REFUSED


@pytest.mark.parametrize(
    ("managed", "allowed"),
    [
        (("DU1234567",), True),
        ((), False),
        (("U1234567",), False),
        (("DU7654321",), False),
        (("DU1234567", "DU7654321"), False),
        (("DU1234567", "U1234567"), False),
        (("F1234567",), False),
        (("du1234567",), False),
    ],
)
def test_the_lock_on_accounts(managed: tuple[str, ...], allowed: bool) -> None:
    if allowed:
        check_accounts(managed, "DU1234567")
    else:
        with pytest.raises(LockRefused) as refused:
            check_accounts(managed, "DU1234567")
        assert "1234567" not in str(refused.value)


REAL = ("Market data farm connection is OK:usfarm",)
SIMULATED = ("Market data farm connection is OK:simfarm",)


@pytest.mark.parametrize(
    ("profile", "clock", "accounts", "notices", "mode"),
    [
        ("paper", "real", ("DU1234567",), REAL, "PAPER"),
        ("paper", "virtual", ("DU1234567",), REAL, "SIM"),
        ("paper", "real", ("DSIM001",), REAL, "SIM"),
        ("paper", "real", ("DU1234567",), SIMULATED, "SIM"),
        ("paper", "real", ("DU1234567",), (*REAL, *SIMULATED), "SIM"),
        ("paper", "real", ("DU1234567",), (), "SIM"),
        ("paper", "real", ("DU1234567",), ("hello",), "SIM"),
        ("paper", "real", (), REAL, "SIM"),
        ("dev", "real", ("DU1234567",), REAL, "SIM"),
        ("prod", "real", ("U1234567",), REAL, "LIVE"),
        ("paper", "real", ("U1234567",), REAL, "LIVE"),
        ("prod", "real", ("DU1234567",), REAL, "SIM"),
        ("prod", "virtual", ("U1234567",), REAL, "SIM"),
        ("prod", "real", ("U1234567",), SIMULATED, "SIM"),
    ],
)
def test_a_session_is_sim_unless_everything_proves_otherwise(
    profile: str, clock: str, accounts: tuple[str, ...], notices: tuple[str, ...], mode: str
) -> None:
    assert classify_mode(profile, clock, accounts, notices) == mode


def notice(code: int, text: str = "") -> GatewayMessage:
    return GatewayMessage(-1, code, text, "", 0)


@pytest.mark.parametrize(
    ("code", "upstream_up", "reconcile", "resubscribe"),
    [
        (1100, False, False, False),
        (1101, True, True, True),
        (1102, True, True, False),
        (1300, False, False, False),
        (2110, False, False, False),
    ],
)
def test_what_the_codes_about_ibkr_do(
    code: int, upstream_up: bool, reconcile: bool, resubscribe: bool
) -> None:
    connectivity = Connectivity()
    connectivity.observe(notice(1100))
    changed = connectivity.observe(notice(code, "text"))
    assert changed == ConnectivityChanged(code, "text", upstream_up, reconcile, resubscribe, 0)
    assert connectivity.upstream_up is upstream_up
    assert TRUTH[code].reconnect is (code == 1300)


def test_a_farm_that_comes_back_needs_its_subscriptions_again_and_one_that_was_fine_does_not() -> None:
    connectivity = Connectivity()
    assert connectivity.observe(notice(2104, "Market data farm connection is OK:usfarm")) is None
    broken = connectivity.observe(notice(2103, "Market data farm connection is broken:usfarm"))
    assert broken is not None
    assert (broken.upstream_up, broken.resubscribe) == (True, False)
    assert connectivity.observe(notice(2104, "Market data farm connection is OK:cafarm")) is None
    back = connectivity.observe(notice(2104, "Market data farm connection is OK:usfarm"))
    assert back is not None
    assert (back.resubscribe, back.reconcile) == (True, False)
    assert connectivity.observe(notice(2104, "Market data farm connection is OK:usfarm")) is None


@pytest.mark.parametrize("code", [2106, 2107, 2108, 2119, 2158, 201, 202, 399, 10349, 100])
def test_codes_that_say_nothing_about_connectivity(code: int) -> None:
    assert Connectivity().observe(notice(code, "text")) is None

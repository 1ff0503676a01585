"""The paper lock, and what kind of session this was.

The lock runs before the first order byte and again on every connection: a gateway restarted under the same
port may be logged in to another account. Ports can be remapped and prove nothing alone; a live port refuses
all the same. The account is the proof: IBKR's paper accounts start with D.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import ip_address
from typing import Literal

from algo_trade.ibkr.errors import LockRefused

LIVE_PORTS = {4001: "IB Gateway", 7496: "TWS"}
_SIMULATED_ACCOUNT = "DSIM"
_SIMULATED_FARM = "simfarm"

Mode = Literal["SIM", "PAPER", "LIVE"]


def check_address(host: str, port: int, *, paper_mode: bool = True) -> None:
    """Refuse what could be real money before anything is sent. Raises LockRefused."""
    if not paper_mode:
        raise LockRefused("paper mode is off (IBKR_PAPER_MODE), and this program trades paper accounts only")
    if port in LIVE_PORTS:
        raise LockRefused(
            f"port {port} is where {LIVE_PORTS[port]} serves live accounts: set IBKR_PORT to the paper port "
            "(4002 IB Gateway, 7497 TWS)"
        )
    if not _is_loopback(host):
        raise LockRefused(f"{host} is not this machine: the API is clear text, use 127.0.0.1 or a tunnel")


def check_accounts(managed: Sequence[str], configured: str) -> None:
    """Every managed account must be a paper account and the configured one. Raises LockRefused."""
    if not managed:
        raise LockRefused("the gateway names no account")
    for account in managed:
        if not account.startswith("D"):
            raise LockRefused(f"the gateway manages {_masked(account)}, which is not a paper account (D...)")
        if account != configured:
            raise LockRefused(
                f"the gateway manages {_masked(account)}, but {_masked(configured)} is configured "
                "(IBKR_ACCOUNT_ID)"
            )


def classify_mode(
    profile: str, clock_kind: str, accounts: Sequence[str], farm_notices: Iterable[str]
) -> Mode:
    """What this session may call itself: SIM unless every fact proves otherwise.

    Needed for anything else: a real clock, accounts that are not the simulator's, and farm notices, none of
    which names a simulated farm (no notice seen proves nothing). Then: an account that is not a paper account
    is LIVE; paper accounts in profile `paper` are PAPER.
    """
    notices = [notice.lower() for notice in farm_notices if "farm" in notice.lower()]
    simulated = (
        clock_kind != "real"
        or not accounts
        or any(account.startswith(_SIMULATED_ACCOUNT) for account in accounts)
        or not notices
        or any(_SIMULATED_FARM in notice for notice in notices)
    )
    if simulated:
        return "SIM"
    if not all(account.startswith("D") for account in accounts):
        return "LIVE"
    return "PAPER" if profile == "paper" else "SIM"


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _masked(account: str) -> str:
    """Enough to recognise an account, not enough to leak one."""
    return account if len(account) <= 5 else f"{account[:2]}***{account[-3:]}"

"""When the stop fires, and when it must not."""

from __future__ import annotations

from tests.risk.test_pretrade import LIMITS

from algo_trade.portfolio import MICROS, Pnl
from algo_trade.risk import KillSwitch


def pnl(realised: float = 0, unrealised: float = 0, commission: float = 0) -> Pnl:
    return Pnl(int(realised * MICROS), int(unrealised * MICROS), int(commission * MICROS), True)


def test_one_bad_quote_does_not_stop_a_session() -> None:
    switch = KillSwitch(LIMITS)
    assert switch.observe(pnl(unrealised=-500), quoted="SPY") is None
    assert switch.observe(pnl(unrealised=-1), quoted="SPY") is None
    assert switch.observe(pnl(unrealised=-500), quoted="SPY") is None


def test_three_quotes_in_a_row_do() -> None:
    switch = KillSwitch(LIMITS)
    seen = [switch.observe(pnl(unrealised=-100), quoted="SPY", held=["SPY"]) for _ in range(3)]
    assert seen[:2] == [None, None]
    assert seen[2] is not None and seen[2].control == "PT-06"
    assert "-$100.00 net of commission" in seen[2].text


def test_reports_confirm_no_quote() -> None:
    """However many reports are made while a bad quote stands, it stays one quote."""
    switch = KillSwitch(LIMITS)
    assert switch.observe(pnl(unrealised=-100), quoted="SPY", held=["SPY"]) is None
    assert [switch.observe(pnl(unrealised=-100), held=["SPY"]) for _ in range(9)] == [None] * 9


def test_another_symbols_quotes_confirm_slowly() -> None:
    """Which mark is bad nobody knows, so each open symbol has its say; a silent one is not waited for for ever."""
    switch = KillSwitch(LIMITS)
    seen = [switch.observe(pnl(unrealised=-100), quoted="SPY", held=["SPY", "QQQ"]) for _ in range(30)]
    assert seen[:29] == [None] * 29
    assert seen[29] is not None
    switch = KillSwitch(LIMITS)
    for symbol in ("SPY", "QQQ") * 2:
        assert switch.observe(pnl(unrealised=-100), quoted=symbol, held=["SPY", "QQQ"]) is None
    assert switch.observe(pnl(unrealised=-100), quoted="SPY", held=["SPY", "QQQ"]) is None
    assert switch.observe(pnl(unrealised=-100), quoted="QQQ", held=["SPY", "QQQ"]) is not None


def test_a_realised_loss_counts_at_once_and_net_of_commission() -> None:
    assert KillSwitch(LIMITS).observe(pnl(realised=-30, commission=69.99)) is None
    assert KillSwitch(LIMITS).observe(pnl(realised=-30, commission=70)) is not None


def test_drawdown_is_measured_from_the_best_moment() -> None:
    """5 % of 10,000 allocated is 500: from +450 that is -50, long before the -100 stop."""
    switch = KillSwitch(LIMITS)
    assert switch.observe(pnl(realised=450)) is None
    assert switch.observe(pnl(realised=-49)) is None
    assert switch.observe(pnl(realised=-50)) is not None


def test_a_resumed_session_goes_on_from_its_best() -> None:
    switch = KillSwitch(LIMITS, peak_micros=450 * MICROS)
    assert switch.observe(pnl(realised=-50)) is not None

"""Sessions of each strategy, on the seeded market and on that market as a file, looked at in a real browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.pages.browser import Browser
from tests.pages.test_pages import PICTURES, WIDE, Session, check_pictures, objections
from tests.processes.harness import EAGER, algotrade

pytestmark = pytest.mark.slow

# Beginnings of titles. Which latencies there are depends on the orders it came to.
_EVERYWHERE = ("Profit and loss", "Drawdown", "SPY: mid price", "Exposure", "Submit to acknowledge")
_PICTURES_OF = {"ofi": (*_EVERYWHERE, "SPY: z-score"), "bands": _EVERYWHERE}
_SETTINGS = {
    "ofi": EAGER,
    "bands": {
        "BANDS_BAR_SIZE": "5s",
        "BANDS_ENTRY_K": "0.5",
        "BANDS_ENTRY_SPACING_S": "10",
        "BANDS_FLAT_BEFORE_END_S": "60",
        "BANDS_LAST_ENTRY_BEFORE_END_S": "120",
        "BANDS_MIN_EDGE": "0",
    },
}


@pytest.mark.parametrize("strategy", ["ofi", "bands"])
def test_sessions_have_pages(chromium: Browser, tmp_path: Path, strategy: str) -> None:
    run(tmp_path, strategy, "seeded")
    exported = algotrade("export-quotes", "seeded", "--symbol", "SPY", "--out", "spy.csv", cwd=tmp_path)
    assert exported.returncode == 0, exported.stderr
    run(tmp_path, strategy, "recorded", "--quotes", "SPY=spy.csv")
    for market in ("seeded", "recorded"):
        session = Session(tmp_path / market / "report.html", None)
        check_pictures(chromium, session, f"{strategy}, {market}")
        assert objections(chromium) == []
        chromium.look(width=WIDE)
        chromium.open(session.page)
        pictures = chromium.ask(PICTURES)
        for title in _PICTURES_OF[strategy]:
            assert any(picture["name"].startswith(title) for picture in pictures), (market, title)
        assert [picture["markers"] > 0 for picture in pictures if "mid price" in picture["name"]] == [True]


def run(place: Path, strategy: str, market: str, *arguments: str) -> None:
    """Half an hour of SPY that ends in order."""
    what = ("run", "--speed", "max", "--duration", "30m", "--symbols", "SPY", "--strategy", strategy)
    done = algotrade(*what, *arguments, "--session-dir", market, cwd=place, env=_SETTINGS[strategy])
    assert done.returncode == 0, done.stderr

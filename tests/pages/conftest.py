"""The browser of the page tests: one for all of them. Where there is none they are skipped, and in CI they fail."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from tests.pages.browser import Browser, browser, find_browser

_ADVICE = "no Chromium found: the pages are not looked at (Debian, Ubuntu: apt-get install chromium; or set CHROMIUM)"


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    executable = find_browser()
    if executable is None:
        if os.environ.get("CI"):
            pytest.fail(_ADVICE, pytrace=False)
        pytest.skip(_ADVICE)
    with browser(executable) as running:
        yield running

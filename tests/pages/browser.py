"""A headless Chromium, driven over its DevTools pipe: open a file, ask the page, hear what it complained of.

The pipe (file descriptors 3 and 4, JSON messages with a zero byte after each) is the browser's own interface. A driver
on top of it would bring a download of fifty megabytes for the half a dozen commands needed here.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_FLAGS = (
    "--headless",
    "--remote-debugging-pipe",
    "--no-sandbox",  # a sandbox needs a user namespace, which containers and root do not have; files are our own
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--hide-scrollbars",
)
# A browser that starts on a busy machine takes seconds; one that has not answered by then never will.
_PATIENCE_S = 60.0

Scheme = Literal["light", "dark"]


def find_browser() -> str | None:
    """The Chromium of this machine: CHROMIUM names it, else the usual names are tried."""
    named = os.environ.get("CHROMIUM")
    return named or next((path for name in NAMES if (path := shutil.which(name))), None)


class BrowserError(Exception):
    """The browser went away, did not answer in time, or refused a command."""


@dataclass
class Browser:
    """One browser with one page. `complaints` are errors of the console, `requests` the URLs that were asked for."""

    process: subprocess.Popen[bytes]
    to_browser: int
    from_browser: int
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    _buffer: bytes = b""
    _calls: int = 0
    _session: str | None = None

    def attach(self) -> None:
        """Make the page that everything else speaks to."""
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        answer = self._call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = answer["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self._call(f"{domain}.enable")

    def look(
        self, *, width: int, scheme: Scheme = "light", mobile: bool = False, paper: bool = False
    ) -> None:
        """The width of the screen in CSS pixels, what the reader prefers, and whether it is a print."""
        self._call(
            "Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=mobile
        )
        preferred = [{"name": "prefers-color-scheme", "value": scheme}]
        self._call("Emulation.setEmulatedMedia", media="print" if paper else "screen", features=preferred)

    def open(self, path: Path) -> None:
        """Load a file; returns when it is there and drawn."""
        self.complaints.clear()
        self.requests.clear()
        self._call("Page.navigate", url=path.resolve().as_uri())
        until = time.monotonic() + _PATIENCE_S
        while self.ask("document.readyState") != "complete":
            if time.monotonic() > until:
                raise BrowserError(f"{path} did not load in {_PATIENCE_S:g} s")
        self.ask("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(1))))")

    def ask(self, expression: str) -> Any:
        """The value of a JavaScript expression in the page, awaited where it is a promise."""
        answer = self._call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            raise BrowserError(json.dumps(answer["exceptionDetails"])[:2000])
        return answer["result"].get("value")

    def picture(self, path: Path, *, whole_page: bool = False) -> None:
        """A PNG of what is on the screen, or of the whole page."""
        answer = self._call("Page.captureScreenshot", format="png", captureBeyondViewport=whole_page)
        path.write_bytes(base64.b64decode(answer["data"]))

    def _call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._calls += 1
        message: dict[str, Any] = {"id": self._calls, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self.to_browser, json.dumps(message).encode() + b"\0")
        until = time.monotonic() + _PATIENCE_S
        while True:
            answer = self._receive(until)
            if answer.get("id") == self._calls:
                break
            self._hear(answer)
        if "error" in answer:
            raise BrowserError(f"{method}: {answer['error']}")
        result: dict[str, Any] = answer["result"]
        return result

    def _receive(self, until: float) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self.from_browser], [], [], max(0.0, until - time.monotonic()))
            if not ready:
                raise BrowserError(f"the browser did not answer in {_PATIENCE_S:g} s")
            chunk = os.read(self.from_browser, 1 << 20)
            if not chunk:
                raise BrowserError(f"the browser went away (exit code {self.process.poll()})")
            self._buffer += chunk
        message, _, self._buffer = self._buffer.partition(b"\0")
        received: dict[str, Any] = json.loads(message)
        return received

    def _hear(self, event: dict[str, Any]) -> None:
        method, told = event.get("method"), event.get("params", {})
        if method == "Runtime.exceptionThrown":
            self.complaints.append(str(told["exceptionDetails"].get("text")))
        elif method == "Runtime.consoleAPICalled" and told["type"] in ("error", "warning", "assert"):
            self.complaints.append(f"console.{told['type']}")
        elif method == "Log.entryAdded" and told["entry"]["level"] in ("error", "warning"):
            self.complaints.append(str(told["entry"]["text"]))
        elif method == "Network.requestWillBeSent":
            self.requests.append(str(told["request"]["url"]))


@contextmanager
def browser(executable: str) -> Iterator[Browser]:
    """A running browser with a profile of its own; both are gone when the block ends."""
    read_ours, write_theirs = _high_pipe()
    read_theirs, write_ours = _high_pipe()
    with tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as profile:
        process = subprocess.Popen(
            [executable, *_FLAGS, f"--user-data-dir={profile}", "about:blank"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            close_fds=False,  # Python's own are closed on exec all the same; 3 and 4 must not be
            preexec_fn=lambda: (os.dup2(read_theirs, 3), os.dup2(write_theirs, 4)),
        )
        os.close(read_theirs)
        os.close(write_theirs)
        try:
            running = Browser(process, write_ours, read_ours)
            running.attach()
            yield running
        finally:
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            os.close(write_ours)
            os.close(read_ours)


def _high_pipe() -> tuple[int, int]:
    """Both ends above the numbers 3 and 4, which they are going to be copied onto."""
    ends = os.pipe()
    high = tuple(fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in ends)
    for end in ends:
        os.close(end)
    return high[0], high[1]

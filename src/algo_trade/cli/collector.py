"""Python's garbage collector, told what a session is."""

from __future__ import annotations

import gc

# A session makes millions of short-lived objects and few lasting ones; the default threshold would look
# through the lasting ones thousands of times.
_THRESHOLD = 50_000


def prepare_collector() -> None:
    """Before a session: what is there stays, and what comes is looked through rarely."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_THRESHOLD, 20, 100)

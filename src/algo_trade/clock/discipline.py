"""Whether anybody keeps the machine's clock right, as the kernel knows it."""

from __future__ import annotations

import ctypes
import sys

_UNSYNCHRONISED = 5  # adjtimex's TIME_ERROR
_LARGEST_TIMEX_BYTES = 512  # more than any struct timex; zero in its first word changes nothing


def kernel_keeps_time() -> bool | None:
    """True: a time service disciplines the clock. False: none does. None: the kernel does not tell.

    Linux alone has the question, and a container may be forbidden to ask it.
    """
    if sys.platform != "linux":
        return None
    try:
        answer = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(_LARGEST_TIMEX_BYTES))
    except (OSError, AttributeError):
        return None
    return None if answer < 0 else answer != _UNSYNCHRONISED

"""Which protocol version a connection speaks."""

from __future__ import annotations

import re

from algo_trade.gateway_sim.errors import RequestError, WireError

OLDEST = 157
NEWEST = 178
# No client was ever tested at 158: ib_async reads its extra field from 159 on only.
_UNUSABLE = 158

_GREETING = re.compile(rb"v(\d{1,4})(?:\.\.(\d{1,4}))?(?: .*)?\0?", re.DOTALL)


def negotiate(greeting: bytes) -> int:
    """The version for a client that says `v<min>..<max>[ options]`: its newest, but at most 178.

    Raises WireError when the greeting is not one, RequestError (503) when the two share no version.
    """
    match = _GREETING.fullmatch(greeting)
    if match is None:
        raise WireError(f"not a version greeting: {greeting[:64]!r}")
    lowest = int(match[1])
    highest = int(match[2] or match[1])
    if highest < OLDEST:
        raise RequestError(
            503, f"The API client is out of date: it speaks up to {highest}, {OLDEST} is needed."
        )
    if lowest > NEWEST:
        raise RequestError(503, "The TWS is out of date and must be upgraded.")
    version = min(highest, NEWEST)
    return OLDEST if version == _UNUSABLE else version

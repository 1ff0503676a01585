"""Record headers as text, for files that have no place for bytes."""

from __future__ import annotations

import base64
import json

from algo_trade.bus.port import Headers


def headers_text(headers: Headers) -> str | None:
    """JSON of [name, base64] pairs; None where there are none."""
    if not headers:
        return None
    return json.dumps([(name, base64.b64encode(value).decode()) for name, value in headers])


def headers_from(text: str | None) -> Headers:
    """What `headers_text` was given."""
    if text is None:
        return ()
    return tuple((name, base64.b64decode(value)) for name, value in json.loads(text))

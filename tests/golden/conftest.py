"""One process a client, for all that is asked of it; ib_async's is in every run, the others' are slow to make."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.golden.clients import VERSIONS, Speaker

CLIENTS = [
    pytest.param(
        client, marks=[pytest.mark.xdist_group(client), *([] if client == "ib_async" else [pytest.mark.slow])]
    )
    for client in VERSIONS
]


@pytest.fixture(scope="session", params=CLIENTS)
def speaker(request: pytest.FixtureRequest) -> Iterator[Speaker]:
    running = Speaker(request.param)
    yield running
    running.close()

"""How a connection begins: every form of greeting a client may use, as it is answered on the wire."""

from __future__ import annotations

import asyncio

import pytest
from tests.gateway_sim.test_bad_input import is_served
from tests.gateway_sim.wire_client import WireClient, place, with_simulator

from algo_trade.gateway_sim import GatewaySimulator
from algo_trade.gateway_sim.wire.framing import frame

FIELDS_OF_OPEN_ORDER = {157: 128, 159: 129, 160: 130, 176: 136, 177: 135, 178: 135}


@pytest.mark.parametrize(
    ("greeting", "version"),
    [
        ("v157..178", 178),
        ("v157..178 +PACEAPI", 178),
        ("v157..178 +PACEAPI and more", 178),
        ("v157..178 ", 178),
        ("v157..178\0", 178),
        ("v178", 178),
        ("v157", 157),
        ("v176 +PACEAPI", 176),
        ("v100..225", 178),
        ("v100..187", 178),
        ("v157..176", 176),
        ("v100..177", 177),
        ("v100..160", 160),
        ("v100..159", 159),
        ("v100..158", 157),
        ("v158", 157),
        ("v100..157", 157),
    ],
)
def test_a_greeting_is_answered_with_the_version_that_is_spoken_then(greeting: str, version: int) -> None:
    """The number that was said, and then the layout of that number."""

    async def body(simulator: GatewaySimulator, _: WireClient) -> None:
        client = await WireClient.open(*simulator.address, client_id=5, versions=greeting)
        assert client.frames[0][0] == str(version)
        assert len(client.frames[0]) == 2
        assert client.of(9)
        if version in FIELDS_OF_OPEN_ORDER:
            client.send(*place(1, version=version, lmtPrice=1.0))
            await asyncio.sleep(1)
            assert {len(fields) for fields in client.of(5)} == {FIELDS_OF_OPEN_ORDER[version]}

    with_simulator(body)


@pytest.mark.parametrize("greeting", ["v100..156", "v156", "v179..225", "v179", "v9999..9999 +PACEAPI"])
def test_a_client_that_shares_no_version_is_told_so_and_closed(greeting: str) -> None:
    """With 503, in the gateway's words, and nothing else."""

    async def body(simulator: GatewaySimulator, _: WireClient) -> None:
        client = await WireClient.connect(*simulator.address)
        client.raw(b"API\0" + frame(greeting.encode()))
        await asyncio.sleep(0.1)
        ((*head, text),) = client.frames
        assert head == ["4", "2", "-1", "503"]
        assert "out of date" in text
        assert client.closed.is_set()
        assert await is_served(simulator)

    with_simulator(body)


@pytest.mark.parametrize(
    "greeting",
    ["157..178", "v", "v..178", "v157..", "v157.178", "v-1..178", "v157..178+PACEAPI", "V157..178", " v157"],
)
def test_what_is_no_greeting_is_closed_without_a_word(greeting: str) -> None:
    """Whoever says it is no client of ours."""

    async def body(simulator: GatewaySimulator, _: WireClient) -> None:
        client = await WireClient.connect(*simulator.address)
        client.raw(b"API\0" + frame(greeting.encode()))
        await asyncio.sleep(0.1)
        assert not client.frames
        assert client.closed.is_set()
        assert await is_served(simulator)

    with_simulator(body)


def test_a_client_that_comes_back_without_the_prefix_is_closed() -> None:
    """And, with it, is served again under its old id."""

    async def body(simulator: GatewaySimulator, _: WireClient) -> None:
        first = await WireClient.open(*simulator.address, client_id=5)
        first.close()
        await asyncio.sleep(0.1)
        hasty = await WireClient.connect(*simulator.address)
        hasty.raw(frame(b"v157..178"))
        await asyncio.sleep(0.1)
        assert hasty.closed.is_set()
        assert not hasty.frames
        again = await WireClient.open(*simulator.address, client_id=5)
        assert again.of(9)

    with_simulator(body)


UNSET = {
    "empty": "",
    "integer": "2147483647",
    "long": "9223372036854775807",
    "Java's double": "1.7976931348623157E308",
    "Python's double": "1.7976931348623157e+308",
    "309 digits": str(int(1.7976931348623157e308)),
    "309 digits and a point": f"{int(1.7976931348623157e308)}.0",
    "Infinity": "Infinity",
    "Infinite": "Infinite",
}
# Where fields stand in a placeOrder that has none of its conditional groups.
TOTAL_QTY, LIMIT, PERCENT_OFFSET, TRIGGER, CASH_QTY = 17, 19, 51, 91, 100


def order_with(text: str, *places: int) -> list[str]:
    """A market order, with the text at some places."""
    return [text if index in places else field for index, field in enumerate(place(1))]


@pytest.mark.parametrize("unset", UNSET.values(), ids=UNSET)
def test_an_order_may_say_unset_in_any_spelling(unset: str) -> None:
    """A market order is a market order, whatever stands where it has no price."""

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        client.send(*order_with(unset, LIMIT, PERCENT_OFFSET, TRIGGER, CASH_QTY))
        await asyncio.sleep(5)
        assert client.of(3)[-1][2:5] == ["Filled", "10", "0"]
        assert client.of(5)[0][16] == "0.0"

    with_simulator(body)


@pytest.mark.parametrize("quantity", ["NaN", "nan", *UNSET.values()], ids=repr)
def test_an_order_without_a_quantity_is_refused_alone(quantity: str) -> None:
    """To its own id, and the client goes on."""

    async def body(_: GatewaySimulator, client: WireClient) -> None:
        answers = await client.ask(*order_with(quantity, TOTAL_QTY))
        assert [fields[:3] for fields in answers] == [["4", "2", "1"]]
        assert (await client.ask(49, 1))[0][0] == "49"

    with_simulator(body)

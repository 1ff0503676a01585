"""Texts with backslashes and letters of any alphabet: some fields are unescaped by some clients."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.gateway_sim.wire_client import WireClient, contract, place, with_simulator
from tests.golden.clients import VERSIONS, Speaker
from tests.golden.messages import CASES, SILENT, STRUCTURE
from tests.golden.test_replies import LAYOUTS, drawn_values
from tests.golden.values import ANY_TEXT, PLAIN, strategy

from algo_trade.gateway_sim import GatewaySimulator
from algo_trade.gateway_sim.wire import replies
from algo_trade.gateway_sim.wire.framing import FrameReader
from algo_trade.gateway_sim.wire.layout import seven_bit

# They unescape nothing but the name of a contract.
PLAINLY = {"ib_async", "ib_insync"}
# Each is bad in its own way: halves of an escape, an end of the field, quotes, and what a plain decoder would mangle.
NASTY = st.lists(
    st.one_of(
        st.sampled_from(
            [
                "\\",
                "\\u",
                "\\x4",
                "\\N{",
                "\\\\",
                "\\n",
                "\\U0011",
                '"',
                "é",
                "東京",
                "😀",
                "\udcff",
                "\n",
                "A",
            ]
        ),
        st.characters(exclude_characters="\0", exclude_categories=["Cs"]),
    ),
    max_size=8,
).map("".join)


def drawing(examples: int) -> Callable[[Any], Any]:
    phases = (Phase.generate, Phase.shrink)
    return settings(
        max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck), phases=phases
    )


def decoded(speaker: Speaker, frames: dict[int, bytes]) -> list[list[tuple[str, Any]]]:
    """What each frame is to the client, by version: one callback, every field read."""
    jobs = [{"version": version, "payload": data[4:].hex()} for version, data in frames.items()]
    seen = []
    for answer in speaker.ask(jobs):
        assert "failure" not in answer, answer["failure"]
        assert answer["unread"] == 0
        (call,) = answer["calls"]
        seen.append(call)
    return seen


def readable(text: str) -> str:
    """Bytes that were never text are shown as such."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def text_fields(message: str) -> list[str]:
    """The fields of a message that may hold any text at all."""
    case = CASES[message]
    return [
        word.name
        for word in LAYOUTS[message]._words
        if word.name
        and not word.is_list
        and word.name not in STRUCTURE
        and strategy(case.values.get(word.name, word.name)) in (PLAIN, ANY_TEXT)
    ]


def test_every_client_shows_the_name_of_a_contract_as_it_is(speaker: Speaker) -> None:
    """At every version: all of them unescape it, and would lose the frame over a lone backslash."""

    @drawing(25)
    @given(NASTY)
    def run(name: str) -> None:
        frames = {
            version: replies.CONTRACT_DETAILS.encode(
                version,
                {"reqId": 7, "conId": 1, "minTick": "0.01", "longName": name, "timeZoneId": "US/Eastern"},
            )
            for version in VERSIONS[speaker.client]
        }
        for call in decoded(speaker, frames):
            assert dict(call)["contractDetails.longName"] == readable(name)

    run()


def test_the_text_of_an_error_is_shown_by_those_who_unescape_it(speaker: Speaker) -> None:
    """As with the real gateway: the others show the escapes, and nobody loses the error."""

    @drawing(25)
    @given(NASTY)
    def run(text: str) -> None:
        frames = {
            version: replies.ERROR.encode(version, {"reqId": 7, "code": 201, "text": text})
            for version in VERSIONS[speaker.client]
        }
        shown = seven_bit(text) if speaker.client in PLAINLY else readable(text)
        for call in decoded(speaker, frames):
            assert {value for name, value in call if name in {"errorString", "errorMsg"}} == {shown}

    run()


@pytest.mark.parametrize("name", [name for name in LAYOUTS if text_fields(name)])
def test_no_text_whatever_costs_a_client_a_frame(speaker: Speaker, name: str) -> None:
    """In any text field of any message, at the oldest and the newest version."""
    if name in SILENT.get(speaker.client, ()):
        return
    layout, versions = LAYOUTS[name], (VERSIONS[speaker.client][0], VERSIONS[speaker.client][-1])
    texts = st.fixed_dictionaries(dict.fromkeys(text_fields(name), NASTY))

    @drawing(10)
    @given(drawn_values(CASES[name], layout), texts)
    def run(values: dict[str, Any], nasty: dict[str, str]) -> None:
        frames = [(version, layout.encode(version, values | nasty)) for version in versions]
        jobs = [{"version": version, "payload": data[4:].hex()} for version, data in frames]
        for answer in speaker.ask(jobs):
            assert "failure" not in answer, answer["failure"]
            assert answer["calls"]
            assert answer["unread"] == 0

    run()


@pytest.mark.parametrize("text", ["\\", "\\u12", "é\\x", "東京😀", "\udcff\udcfe", "a\\N{x}\n"], ids=ascii)
def test_what_a_user_writes_comes_back_to_every_client(speaker: Speaker, text: str) -> None:
    """As the reference and the model of an order, in errors, and as a model that account values are asked for."""
    version = VERSIONS[speaker.client][-1]

    async def body(simulator: GatewaySimulator, _: WireClient) -> bytes:
        client = await WireClient.open(*simulator.address, client_id=5, versions=f"v157..{version}")
        start = len(client.received)
        client.send(*place(1, version=version, orderRef=text, modelCode=text))
        client.send(*place(2, version=version, tif=text))
        client.send(81, 3, text)
        client.send(9, 8, 4, *contract(0, text), 0, "", "", "")
        client.send(76, 1, 5, "DSIM001", text, 0)
        client.send(text)
        await asyncio.sleep(5)
        client.send(7, 3, 6, 0, "", "", "", "", "", "")
        client.send(99, 0)
        await asyncio.sleep(1)
        return bytes(client.received[start:])

    payloads = list(FrameReader().feed(b"API\0" + with_simulator(body)))
    assert {int(payload.partition(b"\0")[0]) for payload in payloads} >= {3, 4, 5, 11, 59, 73, 79, 101}
    answers = speaker.ask([{"version": version, "payload": payload.hex()} for payload in payloads])
    references = []
    for payload, answer in zip(payloads, answers, strict=True):
        assert "failure" not in answer, (payload, answer["failure"])
        assert answer["calls"], payload
        assert answer["unread"] == 0
        references += [value for path, value in answer["calls"][0] if path.endswith("orderRef")]
    shown = text.encode("utf-8", "surrogateescape").decode(errors="backslashreplace")
    assert references.count(shown) >= 3

"""`algotrade topics`: whether the topics on Kafka are the declared ones, and making them so."""

from __future__ import annotations

import json as jsonlib
import sys
from dataclasses import asdict
from typing import Annotated

import typer

from algo_trade.bus.kafka_topics import Applied, KafkaTopics, TopicsState
from algo_trade.clock import SystemClock
from algo_trade.exit_codes import ExitCode
from algo_trade.settings import load_settings

topics_app = typer.Typer(no_args_is_help=True)

ProfileOption = Annotated[
    str | None, typer.Option(help="dev, paper or prod; default: ENVIRONMENT, else dev.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print what was found as one JSON object.")]


def check(profile: ProfileOption = None, json: JsonOption = False) -> None:
    """Compare the cluster with topics.yaml (exit 1: something differs, 4: no broker answers)."""
    topics = _topics(profile)
    _tell(topics, Applied((), topics.check()), json=json)


def apply(profile: ProfileOption = None, json: JsonOption = False) -> None:
    """Create and repair what topics.yaml declares (exit 1: something is left, 4: no broker answers)."""
    topics = _topics(profile)
    _tell(topics, topics.apply(), json=json)


def _topics(profile: str | None) -> KafkaTopics:
    return KafkaTopics(load_settings(profile).kafka, clock=SystemClock())


def _tell(topics: KafkaTopics, applied: Applied, *, json: bool) -> None:
    state = applied.state
    if json:
        print(jsonlib.dumps({"address": topics.address, "done": applied.done, **asdict(state)}))
    else:
        for line in applied.done:
            print(line)
        for drift in state.drifts:
            print(drift)
    print(_summary(topics.address, state), file=sys.stderr)
    if state.drifts:
        raise typer.Exit(ExitCode.GATE_FAILED)


def _summary(address: str, state: TopicsState) -> str:
    cluster = f"{address}, {_count(state.brokers, 'broker')}: {_count(state.replicas, 'replica')} of every partition"
    if not state.drifts:
        return f"all {len(state.topics)} topics are as declared on {cluster}"
    topics = len({drift.topic for drift in state.drifts})
    return f"{topics} of {len(state.topics)} topics are not as declared on {cluster}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"

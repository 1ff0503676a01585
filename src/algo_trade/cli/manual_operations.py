"""The manual's pages about keeping a system alive: topics, dead letters, doctor, health."""

from __future__ import annotations

from collections.abc import Mapping

from algo_trade.cli.page import Page
from algo_trade.exit_codes import ExitCode

_DLQ_CODES = (ExitCode.OK, ExitCode.USAGE, ExitCode.CONFIG, ExitCode.UNREACHABLE, ExitCode.EVIDENCE)

OPERATIONS: Mapping[str, Page] = {
    "topics": Page(
        short="The topics on Kafka.", text="The topics on Kafka: contracts/topics.yaml, made real."
    ),
    "topics check": Page(
        short="Compare the cluster with what is declared.",
        text="""
            Compare the topics on Kafka with contracts/topics.yaml, and change nothing. Each difference is one line: the
            topic, the setting, what was found, what is declared, and what to do.

            A topic has one replica on a single broker, two on two, three on three or more.
        """,
        examples=(
            ("algotrade topics check", "the cluster of KAFKA_BOOTSTRAP_SERVERS"),
            ("algotrade topics check --json | jq .drifts", "for scripts"),
        ),
        codes=(ExitCode.OK, ExitCode.GATE_FAILED, ExitCode.USAGE, ExitCode.CONFIG, ExitCode.UNREACHABLE),
    ),
    "topics apply": Page(
        short="Create and repair the topics.",
        text="""
            Create the topics that are missing on Kafka and set the settings that differ from contracts/topics.yaml; say
            what was done. Doing it again does nothing, and several processes may do it at once.

            The number of partitions of a topic that exists is never changed, nor that of its replicas: with other
            partitions the records of one key would be read out of order. Such a difference is told, and exit 1.
        """,
        examples=(("algotrade topics apply --profile paper", "before the first session on a cluster"),),
        codes=(ExitCode.OK, ExitCode.GATE_FAILED, ExitCode.USAGE, ExitCode.CONFIG, ExitCode.UNREACHABLE),
    ),
    "dlq": Page(
        short="Dead letters: see them, put them back.",
        text="""
            Dead letters: what a plane could not understand. It was put aside whole, with every reason, and its reader
            went on. A person looks at it here.

            More about them: docs/dead-letters.md.
        """,
    ),
    "dlq list": Page(
        short="List what was put aside.",
        text="""
            List the dead letters, a line each: its place, when it was refused, where it stood, who refused it, and the
            first reason. The log of a session may be read while the session runs.
        """,
        examples=(
            ("algotrade dlq list --session-dir sessions/monday", "of a session"),
            ("algotrade dlq list --bus kafka --topic order_intents", "of one topic on Kafka"),
            ("algotrade dlq list --bus kafka --json | jq -r .[].place", "for scripts"),
        ),
        codes=_DLQ_CODES,
    ),
    "dlq show": Page(
        short="Show one letter whole.",
        text="""
            Show one letter: where it stood, its key and headers, every reason, and its bytes, as JSON where they are
            and else in hexadecimal. With --raw its bytes alone, exactly, to be mended and put back.
        """,
        examples=(
            ("algotrade dlq show dlq_order_intents/0/3 --bus kafka", "all of it"),
            (
                "algotrade dlq show dlq_order_intents/0/3 --bus kafka --raw > mended.json",
                "its bytes, into a file",
            ),
        ),
        codes=_DLQ_CODES,
    ),
    "dlq replay": Page(
        short="Put a letter back, once, by a named person.",
        text="""
            Put a letter back on the topic it came from: the bytes of --value, or the original ones, with the original
            key and headers, and headers that say from where, by whom, why and when. What the topic's contract does not
            allow is refused with every reason, and a letter that was put back before is refused.

            An order intent goes back under a new id and with a new validity, an amendment with a new validity; half
            a bracket never. An execution report never: it tells the broker's truth, which the order plane keeps in its
            journal and publishes again at its next start. Nor market_raw, which is a recording and holds the message
            already, nor ofi_events, which are counted from market_events. Market events keep their own time, so that
            nobody trades on an old price.

            A session that runs is the only writer of its directory, and a finished one is evidence: both are refused.
        """,
        examples=(
            (
                "algotrade dlq replay dlq_order_intents/0/3 --bus kafka --by Ann --reason ok",
                "an intent as it was, for thirty seconds",
            ),
            (
                "algotrade dlq replay PLACE --bus kafka --by Ann --reason ok --value new.json",
                "a mended message in its stead; PLACE as dlq list shows it",
            ),
            (
                "algotrade dlq replay PLACE --session-dir DIR --by Ann --reason ok",
                "into the log of a session that is going to be resumed",
            ),
        ),
        codes=(
            ExitCode.OK,
            ExitCode.GATE_FAILED,
            ExitCode.USAGE,
            ExitCode.CONFIG,
            ExitCode.UNREACHABLE,
            ExitCode.EVIDENCE,
        ),
    ),
    "doctor": Page(
        short="Look at everything a session depends on.",
        text="""
            Look at everything a session depends on, a line each: ok, warn or fail, what was found, and what to do.
            Settings, libraries, time zones, disk, the journal and its latch, the gateway behind the paper lock, the
            clock; with --bus kafka the cluster and its topics too. What cannot be told is said to be not known, as a
            warning.

            Nothing is changed and nothing is traded: it greets the gateway under a client id of its own, and leaves.
            The exit code is that of the first failure.
        """,
        examples=(
            ("algotrade doctor --profile paper", "before the first paper session"),
            ("algotrade doctor --profile paper --bus kafka --json", "with the cluster, for scripts"),
        ),
        codes=(
            ExitCode.OK,
            ExitCode.GATE_FAILED,
            ExitCode.USAGE,
            ExitCode.CONFIG,
            ExitCode.UNREACHABLE,
            ExitCode.RISK,
            ExitCode.LOCK_REFUSED,
            ExitCode.INTERNAL,
        ),
    ),
    "health": Page(
        short="Tell whether a session can work, for health checks.",
        text="""
            Tell whether a session can work: whether its log can be read, the age of the last record of each topic, how
            far consumer groups are behind, and whether the stop holds the account. Made to be asked every few seconds:
            it reads, and never makes a session wait.
        """,
        examples=(
            ("algotrade health --session-dir sessions/monday --json", "of a session in one process"),
            ("algotrade health --profile paper --bus kafka", "of the planes on a cluster"),
        ),
        codes=(
            ExitCode.OK,
            ExitCode.USAGE,
            ExitCode.CONFIG,
            ExitCode.UNREACHABLE,
            ExitCode.RISK,
            ExitCode.EVIDENCE,
        ),
    ),
    "contracts": Page(
        short="The schemas of the messages, for others to read.",
        text="The schemas of the messages between the planes, for whoever is not Python.",
    ),
    "contracts export": Page(
        short="Write the JSON Schemas of the messages as files.",
        text="""
            Write the JSON Schema of every message into a directory, one file each, named by the message's event_type.
            The same version writes the same bytes. Other files of the directory are left alone.
        """,
        examples=(("algotrade contracts export schemas", "the names of the files are printed"),),
        codes=(ExitCode.OK, ExitCode.USAGE, ExitCode.CONFIG),
    ),
    "contracts register": Page(
        short="Put the schemas into a schema registry.",
        text="""
            Put the JSON Schema of every message into a schema registry that speaks Confluent's HTTP API, under
            subjects like order_intents-OrderIntent, with compatibility BACKWARD_TRANSITIVE. What is there already is
            unchanged, so it may be done at every start.

            What the registry refuses is told with its reason, and the others are registered all the same. Plain http
            is for this machine only.
        """,
        examples=(
            ("algotrade contracts register", "at KAFKA_SCHEMA_REGISTRY_URL"),
            ("algotrade contracts register --url http://127.0.0.1:8081 --json", "for scripts"),
        ),
        codes=(
            ExitCode.OK,
            ExitCode.GATE_FAILED,
            ExitCode.USAGE,
            ExitCode.CONFIG,
            ExitCode.UNREACHABLE,
        ),
    ),
}

"""Settings as librdkafka's properties: what protects, what keeps promises, and what is never shown."""

from __future__ import annotations

import logging

import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient
from pydantic import SecretStr

from algo_trade.bus.kafka_config import (
    LOGGER,
    client_properties,
    consumer_properties,
    producer_properties,
)
from algo_trade.settings.sections import KafkaSettings

PLAIN = KafkaSettings(bootstrap_servers="127.0.0.1:1")
SASL = KafkaSettings(
    bootstrap_servers="127.0.0.1:1",
    security_protocol="SASL_SSL",
    sasl_mechanism="SCRAM-SHA-512",
    sasl_username="algo",
    sasl_password=SecretStr("hunter2"),
)


@pytest.mark.parametrize("settings", [PLAIN, SASL], ids=["plain", "sasl_ssl"])
def test_librdkafka_takes_what_it_is_given(settings: KafkaSettings, caplog: pytest.LogCaptureFixture) -> None:
    """No property is unknown to it, and none that is secret is in its log."""
    with caplog.at_level(logging.DEBUG):
        AdminClient(client_properties(settings)).poll(0)
        for orders in (True, False):
            Producer(producer_properties(settings, "r", orders=orders)).poll(0)
        for instance in (None, "me"):
            Consumer(consumer_properties(settings, "r", "g", instance)).close()
    assert "hunter2" not in caplog.text


def test_credentials_go_where_the_protocol_asks_for_them() -> None:
    """And nowhere else."""
    assert {name for name in client_properties(PLAIN) if name.startswith(("sasl", "ssl"))} == set()
    properties = client_properties(SASL, "orders")
    assert properties["sasl.password"] == "hunter2"
    assert properties["sasl.mechanism"] == "SCRAM-SHA-512"
    assert properties["client.id"] == "algo-trade-client-orders"
    certificate = client_properties(
        PLAIN.model_copy(
            update={
                "security_protocol": "SSL",
                "ssl_ca_location": "ca.pem",
                "ssl_key_password": SecretStr("hunter3"),
            }
        )
    )
    assert certificate["ssl.ca.location"] == "ca.pem"
    assert certificate["ssl.key.password"] == "hunter3"
    assert not [name for name in certificate if name.startswith("sasl")]


def test_an_intent_never_waits_for_company() -> None:
    """Market data may, but not for long."""
    slow = PLAIN.model_copy(update={"linger_ms": 500.0})
    assert producer_properties(slow, "r", orders=True)["linger.ms"] == 0
    assert producer_properties(slow, "r", orders=False)["linger.ms"] == 5
    assert producer_properties(PLAIN, "r", orders=False)["linger.ms"] == 0
    assert producer_properties(PLAIN, "r", orders=False)["compression.type"] == "lz4"


def test_an_outage_is_told_once_in_a_while(caplog: pytest.LogCaptureFixture) -> None:
    """librdkafka says twice a second that it cannot connect."""
    with caplog.at_level(logging.INFO, logger=LOGGER.name):
        for attempt in range(50):
            LOGGER.error("TESTFAIL [rdkafka] attempt %d", attempt)
        LOGGER.error("OTHERFAIL [rdkafka]")
    assert [record.getMessage().split()[0] for record in caplog.records] == ["TESTFAIL", "OTHERFAIL"]

"""Kafka's settings, as the client's properties."""

from __future__ import annotations

from typing import Any

from algo_trade.settings import KafkaSettings


def client_properties(settings: KafkaSettings) -> dict[str, Any]:
    """What every client of the cluster is given."""
    values = {
        "bootstrap.servers": settings.bootstrap_servers,
        "security.protocol": settings.security_protocol,
        "client.id": settings.client_id,
        "sasl.mechanism": settings.sasl_mechanism,
        "sasl.username": settings.sasl_username,
        "sasl.password": settings.sasl_password and settings.sasl_password.get_secret_value(),
        "ssl.ca.location": settings.ssl_ca_location,
        "ssl.certificate.location": settings.ssl_certificate_location,
        "ssl.key.location": settings.ssl_key_location,
        "ssl.key.password": settings.ssl_key_password and settings.ssl_key_password.get_secret_value(),
    }
    return {name: value for name, value in values.items() if value is not None}

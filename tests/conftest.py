"""What tests of several folders share."""

from tests.broker import kafka_servers

__all__ = ["kafka_servers"]

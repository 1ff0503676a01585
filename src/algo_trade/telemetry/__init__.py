"""Logging for a whole process, with secrets and account numbers kept out of every line."""

from algo_trade.telemetry.logs import configure_logging
from algo_trade.telemetry.redaction import Redactor, mask_account

__all__ = ["Redactor", "configure_logging", "mask_account"]

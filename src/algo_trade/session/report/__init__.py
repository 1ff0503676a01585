"""What a session did, told from the evidence it left: a second opinion, computed from the log alone.

Nothing here is shared with the planes but the contracts: positions, profit and loss, OFI and the fate of every
order are folded again, and where the two computations differ the report says so.
"""

from algo_trade.session.report.build import (
    HTML_NAME,
    JSON_NAME,
    Report,
    build_report,
    report_of,
    write_report,
)
from algo_trade.session.report.checks import Finding
from algo_trade.session.report.content import report_schema_text
from algo_trade.session.report.digest import DIGEST_TOPICS, digest_of
from algo_trade.session.report.errors import EvidenceError, EvidenceInvalid, EvidenceMissing
from algo_trade.session.report.evidence import SessionData, read_session
from algo_trade.session.report.record import RECORD_NAME, SessionRecord, load_record
from algo_trade.session.report.summarise import NOTICE_CODES
from algo_trade.session.report.summary import Summary, gate_failures, schema_text, summary_schema
from algo_trade.session.report.terminal import summary_lines, summary_text

__all__ = [
    "DIGEST_TOPICS",
    "HTML_NAME",
    "JSON_NAME",
    "NOTICE_CODES",
    "RECORD_NAME",
    "EvidenceError",
    "EvidenceInvalid",
    "EvidenceMissing",
    "Finding",
    "Report",
    "SessionData",
    "SessionRecord",
    "Summary",
    "build_report",
    "digest_of",
    "gate_failures",
    "load_record",
    "read_session",
    "report_of",
    "report_schema_text",
    "schema_text",
    "summary_lines",
    "summary_schema",
    "summary_text",
    "write_report",
]

"""Frames captured from real gateways, as data: our encoder writes the same, and as many fields at any version."""

from __future__ import annotations

import pytest
from tests.gateway_sim.test_layouts import ACCOUNT, SPY, an_execution, an_order, fields_of

from algo_trade.gateway_sim.messages import completed_order, exec_details, open_order, order_status
from algo_trade.gateway_sim.orders import Status
from algo_trade.gateway_sim.wire import replies

UNSET = "1.7976931348623157E308"
# Where a field stands and what a gateway put there for a plain market order, at 178. `""` is an empty field.
OPEN_ORDER = {
    0: "5", 1: "13", 3: "SPY", 4: "STK", 5: "", 6: "0", 7: "?", 8: "", 9: "SMART", 10: "USD", 11: "SPY", 13: "BUY",
    14: "100", 15: "MKT", 16: "0.0", 17: "0.0", 18: "DAY", 19: "", 20: ACCOUNT, 21: "", 22: "0", 23: "algo:7",
    24: "100", 25: "1376327563", 26: "0", 27: "0", 28: "0", 29: "", 30: f"1376327563.0/{ACCOUNT}/100", 31: "", 32: "",
    33: "", 34: "", 35: "", 36: "", 37: "", 38: "", 39: "0", 40: "", 41: "-1", 42: "0", 43: "", 44: "", 45: "", 46: "",
    47: "", 48: "2147483647", 49: "0", 50: "0", 51: "0", 52: "", 53: "3", 54: "0", 55: "0", 56: "", 57: "0", 58: "0",
    59: "", 60: "0", 61: "None", 62: "", 63: "0", 64: "", 65: "", 66: "", 67: "?", 68: "0", 69: "0", 70: "", 71: "0",
    72: "0", 73: "", 74: "", 75: "", 76: "", 77: "", 78: "0", 79: "0", 80: "0", 81: "2147483647", 82: "2147483647",
    83: "", 84: "", 85: "0", 86: "", 87: "IB", 88: "0", 89: "0", 90: "", 91: "0", 92: "0", 93: "PreSubmitted",
    **dict.fromkeys(range(94, 106), UNSET), 106: "", 107: "", 108: "0", 109: "0", 110: "0", 111: "None",
    **dict.fromkeys(range(112, 118), UNSET), 118: "0", 119: "", 120: "", 121: "", 122: "0", 123: "1", 124: "0",
    125: "0", 126: "0", 127: "", 128: "", 129: "0", 130: "", 131: "", 132: "", 133: "", 134: "",
}  # fmt: skip
COMPLETED_ORDER = {
    0: "101", 2: "SPY", 3: "STK", 12: "BUY", 13: "100", 14: "MKT", 17: "DAY", 19: ACCOUNT, 22: "algo:7",
    23: "1376327563", 38: "-1", 44: "2147483647", 52: "None", 71: "IB", 76: "Filled", 83: "1", 84: "0", 86: "10",
    89: "Not an insider or substantial shareholder", 92: "9223372036854775807", 93: "20250312 14:13:48 US/Eastern",
    94: "Filled Size: 10", 95: "", 96: "", 97: "", 98: "", 99: "",
}  # fmt: skip
EXEC_DETAILS = {
    0: "11", 1: "-1", 2: "13", 4: "SPY", 5: "STK", 10: "SMART", 11: "USD", 14: "0000e0d5.69dd7411.01.01",
    15: "20260413 15:27:04 US/Eastern", 16: ACCOUNT, 18: "SLD", 19: "10", 21: "5", 22: "100", 24: "30", 26: "a:b",
    30: "1", 31: "0",
}  # fmt: skip
# Seconds since 1970 of the two moments above, in nanoseconds.
COMPLETED_NS = 1_741_803_228 * 10**9
EXECUTED_NS = 1_776_108_424 * 10**9
SEC_IDS = (("ISIN", "US78462F1030"),)
# Fields of each message from version to version, the ids of one message and one security id included.
VERSIONS = (157, 159, 160, 162, 163, 164, 166, 170, 176, 177, 178)
COUNTS = {
    "openOrder": (128, 129, 130, 131, 131, 131, 131, 136, 136, 135, 135),
    "completedOrder": (96, 96, 96, 96, 96, 96, 96, 101, 101, 100, 100),
    "execDetails": (31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 32),
    "contractDetails": (41, 41, 41, 41, 42, 42, 42, 42, 42, 42, 42),
    "orderStatus": (12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12),
    "error": (5, 5, 5, 5, 5, 5, 6, 6, 6, 6, 6),
}


def encoded(name: str, version: int) -> list[str]:
    """The order that was captured, as we write it."""
    order = an_order(order_type="MKT", limit_e4=None, status=Status.PRE_SUBMITTED)
    if name == "openOrder":
        return fields_of(open_order(order, SPY, ACCOUNT, version))
    if name == "completedOrder":
        ended = an_order(
            order_type="MKT", limit_e4=None, status=Status.FILLED, filled=10, completed_ns=COMPLETED_NS,
            completed_status="Filled Size: 10",
        )  # fmt: skip
        return fields_of(completed_order(ended, SPY, ACCOUNT, version))
    if name == "execDetails":
        return fields_of(exec_details(an_execution(time_ns=EXECUTED_NS), SPY, ACCOUNT, version))
    if name == "orderStatus":
        return fields_of(order_status(order, version))
    if name == "contractDetails":
        return fields_of(replies.CONTRACT_DETAILS.encode(version, {"reqId": 1, "secIds": SEC_IDS}))
    return fields_of(replies.ERROR.encode(version, {"reqId": 1, "code": 200, "text": "x"}))


@pytest.mark.parametrize(
    ("name", "captured"),
    {"openOrder": OPEN_ORDER, "completedOrder": COMPLETED_ORDER, "execDetails": EXEC_DETAILS}.items(),
)
def test_a_captured_frame_is_written_again_from_its_values(name: str, captured: dict[int, str]) -> None:
    """Oddities of the gateway included."""
    fields = encoded(name, 178)
    assert {place: fields[place] for place in captured} == captured


def test_a_captured_status_is_written_again_to_the_byte() -> None:
    """The whole of it was captured."""
    assert "|".join(encoded("orderStatus", 178)) == "3|13|PreSubmitted|0|100|0|1376327563|0|0|100||0"


@pytest.mark.parametrize("name", COUNTS)
def test_a_message_has_as_many_fields_as_its_version_has(name: str) -> None:
    """One short is dropped by one client and ends the connection of another."""
    assert tuple(len(encoded(name, version)) for version in VERSIONS) == COUNTS[name]

"""Frames as gateways send them at version 178, from captures of real ones where there is one."""

from __future__ import annotations

UNSET = "1.7976931348623157E308"


def payload(*fields: object) -> bytes:
    """Fields as a frame's payload."""
    return b"".join(str(field).encode() + b"\0" for field in fields)


def fields_of(data: bytes) -> list[str]:
    """A payload's fields as text."""
    return data.decode().split("\0")[:-1]


_CONTRACT = (756733, "SPY", "STK", "", 0, "?", "", "SMART", "USD", "SPY", "SPY")


def open_order(
    order_id: int = 7,
    *,
    status: str = "PreSubmitted",
    delta_neutral: str = "None",
    order_ref: str = "intent-1",
    version: int = 178,
    perm_id: int = 1376327563,
) -> bytes:
    """135 fields at 178, with the literal `None` real gateways put at the delta-neutral type."""
    dn_rest = (0, "", "", "", "?", 0, 0, "") if delta_neutral else ()
    head = (
        *(5, order_id, *_CONTRACT, "BUY", 10, "LMT", 585.5, 0.0, "IOC", "", "DU1234567", "", 0, order_ref, 1),
        *(perm_id, 0, 0, 0, "", "1376327563.0/DU1234567/100", "", "", ""),
    )
    profile = ("",) if version < 177 else ()
    middle = (
        *(
            "",
            "",
            "",
            "",
            "",
            0,
            "",
            -1,
            0,
            "",
            "",
            "",
            "",
            "",
            2147483647,
            0,
            0,
            0,
            "",
            3,
            0,
            0,
            "",
            0,
            0,
            "",
            0,
        ),
        *(delta_neutral, "", *dn_rest, 0, 0, "", "", "", "", "", 0, 0, 0, 2147483647, 2147483647, "", ""),
        *(
            0,
            "",
            "IB",
            0,
            0,
            "",
            0,
            0,
            status,
            *(UNSET,) * 9,
            "",
            "",
            "",
            "",
            "",
            0,
            0,
            0,
            "None",
            *(UNSET,) * 6,
        ),
        *(0, "", "", "", 0, 1, 0, 0, 0),
    )
    tail: tuple[object, ...] = ()
    tail += ("",) if version >= 158 else ()
    tail += ("",) if version >= 160 else ()
    tail += (0,) if version >= 162 else ()
    tail += ("",) * 5 if version >= 170 else ()
    return payload(*head, *profile, *middle, *tail)


def open_order_of_any_shape(
    *,
    delta_neutral: str,
    legs: int,
    leg_prices: int,
    smart: int,
    scale: str,
    hedge: str,
    has_dn: str,
    algo: str,
    algo_params: int,
    conditions: list[int],
    order_type: str,
    condition_fields: dict[int, tuple[object, ...]],
) -> bytes:
    """An openOrder at 178 with any of its optional parts."""
    scaled = scale not in ("", "0") and not scale.endswith("308")
    return payload(
        *(5, 7, *_CONTRACT, "BUY", 10, order_type, 585.5, 0.0, "DAY", "", "DU1234567", "", 0, "ref", 1, 99),
        *(0, 0, 0, "", "ignored", "", "", ""),
        *(
            "",
            "",
            "",
            "",
            "",
            0,
            "",
            -1,
            0,
            "",
            "",
            "",
            "",
            "",
            2147483647,
            0,
            0,
            0,
            "",
            3,
            0,
            0,
            "",
            0,
            0,
            "",
            0,
        ),
        *(delta_neutral, "", *((0, "", "", "", "?", 0, 0, "") if delta_neutral else ())),
        *(0, 0, "", "", "", "", "legs"),
        *(legs, *(1, 1, "BUY", "SMART", 0, 0, "", -1) * legs, leg_prices, *(1.5,) * leg_prices),
        *(smart, *("tag", "value") * smart),
        *(2147483647, 2147483647, scale, *((0.1, 1, 0.2, 0, 0, 0, 0) if scaled else ())),
        *(
            hedge,
            *(("param",) if hedge else ()),
            0,
            "",
            "IB",
            0,
            has_dn,
            *((1, 0.5, 10.0) if has_dn == "1" else ()),
        ),
        *(algo, *((algo_params, *("tag", "value") * algo_params) if algo else ())),
        *(0, 0, "Submitted", *(UNSET,) * 9, "", "", "", "USD", "a warning", 0, 0),
        *((1, 0, 0.1, 0.1, "SMART") if order_type == "PEG BENCH" else ()),
        *(len(conditions), *(field for kind in conditions for field in (kind, *condition_fields[kind]))),
        *((0, 0) if conditions else ()),
        *("None", *(UNSET,) * 6, 0, "", "", "", 0, 1, 0, 0, 0, "", "", 0, "", "", "", "", ""),
    )


def completed_order(*, status: str = "Filled", version: int = 178, delta_neutral: str = "None") -> bytes:
    """100 fields at 178."""
    dn_rest = (0, 0, 0, "") if delta_neutral else ()
    return payload(
        *(
            101,
            *_CONTRACT,
            "SELL",
            10,
            "MKT",
            0.0,
            0.0,
            "DAY",
            "",
            "DU1234567",
            "",
            0,
            "intent-2",
            1376327564,
        ),
        *(0, 0, 0, "", "", "", ""),
        *(("",) if version < 177 else ()),
        *("", "", "", "", "", 0, "", -1, "", "", "", "", "", 2147483647, 0, 0, "", 3, 0, "", 0),
        *(
            delta_neutral,
            "",
            *dn_rest,
            0,
            0,
            "",
            "",
            "",
            0,
            0,
            0,
            2147483647,
            2147483647,
            "",
            "",
            "",
            "IB",
            0,
            0,
            "",
        ),
        *(0, status, 0, 0, 0, "", "", "", 1, 0, "", 10, 0, 0),
        *("Not an insider or substantial shareholder", 0, 0, "9223372036854775807"),
        *("20250312 14:13:48 US/Eastern", "Filled Size: 10"),
        *(("",) * 5 if version >= 170 else ()),
    )


def execution(
    *,
    req_id: int = -1,
    time: str = "20260413 15:27:04 US/Eastern",
    exec_id: str = "0000e0d5.69dd7411.01.01",
    shares: object = 10,
    version: int = 178,
    order_id: int = 7,
) -> bytes:
    """32 fields at 178."""
    return payload(
        *(
            11,
            req_id,
            order_id,
            *_CONTRACT,
            exec_id,
            time,
            "DU1234567",
            "ARCA",
            "BOT",
            shares,
            585.51,
            1376327563,
            1,
        ),
        *(0, shares, 585.51, "intent-1", "", "", "", 2),
        *((0,) if version >= 178 else ()),
    )


def order_status(order_id: int = 13, *, status: str = "PreSubmitted", client_id: int = 100) -> bytes:
    return payload(3, order_id, status, 0, 100, 0, 1376327563, 0, 0, client_id, "", 0)


def commission_report(exec_id: str = "0000e0d5.69dd7411.01.01") -> bytes:
    return payload(59, 1, exec_id, "1.0", "USD", UNSET, "", "")


def position(con_id: int = 756733, quantity: object = 10) -> bytes:
    return payload(
        61,
        3,
        "DU1234567",
        con_id,
        "SPY",
        "STK",
        "",
        0.0,
        "",
        "",
        "NASDAQ",
        "USD",
        "SPY",
        "SPY",
        quantity,
        585.51,
    )


def bid_ask(
    req_id: int, bid: object = 585.5, ask: object = 585.62, *, sizes: tuple[object, object] = (300, 200)
) -> bytes:
    return payload(99, req_id, 3, 1775489224, bid, ask, *sizes, 0)


def message(req_id: int, code: int, text: str) -> bytes:
    return payload(4, 2, req_id, code, text, "")


def contract_details(
    req_id: int,
    symbol: str = "SPY",
    con_id: int = 756733,
    *,
    liquid_hours: str = "20260302:0930-20260302:1600;20260303:CLOSED",
) -> bytes:
    return payload(
        *(10, req_id, symbol, "STK", "", 0, "", "SMART", "USD", symbol, symbol, symbol, con_id, 0.01, ""),
        *(
            "LMT,MKT",
            "SMART,ARCA",
            1,
            0,
            "A FUND",
            "ARCA",
            "",
            "",
            "",
            "",
            "US/Eastern",
            liquid_hours,
            liquid_hours,
        ),
        *("", "", 1, "ISIN", "US78462F1030", 1, "", "", "26,26", "", "ETF", 0.0001, 0.0001, 100),
    )

"""Approval is a type: nobody but the risk checks makes an order that may be sent."""

import ast

from tests.house.repository import modules

MAKER = "algo_trade.risk.pretrade"


def test_only_the_risk_checks_make_an_approved_order() -> None:
    """A second maker would be a way round every limit."""
    makers = {
        module.name
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call)
        and "ApprovedOrder" in (getattr(node.func, "id", ""), getattr(node.func, "attr", ""))
    }
    assert makers == {MAKER}

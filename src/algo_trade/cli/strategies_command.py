"""`algotrade strategies`: what can trade, where it comes from, and what can be set."""

from __future__ import annotations

import json as json_module
from typing import Annotated, Any

import typer

from algo_trade.settings import shown_value
from algo_trade.settings.strategies import variable_of
from algo_trade.strategy_plane import Installed, installed_strategies


def strategies(
    json: Annotated[bool, typer.Option("--json", help="Print a JSON list.")] = False,
) -> None:
    """List the installed strategies with their parameters, defaults and where they come from."""
    found = installed_strategies()
    if json:
        print(json_module.dumps([_as_data(one) for one in found], indent=2))
        return
    print("\n\n".join(_as_text(one) for one in found) or "no strategy is installed")


def _as_text(one: Installed) -> str:
    head = f"{one.name}  ({one.package} {one.version})"
    if one.plugin is None:
        return f"{head}\n  cannot be used: {one.fault}"
    rows = [
        (row["variable"], "required" if row["required"] else shown_value(row["default"]), row["description"])
        for row in _parameters(one)
    ]
    names, defaults = (max((len(row[column]) for row in rows), default=0) for column in (0, 1))
    lines = [f"  {name:<{names}}  {default:<{defaults}}  {about}".rstrip() for name, default, about in rows]
    return "\n".join([f"{head} trades as {one.plugin.strategy_id}", f"  {one.plugin.about}", *lines])


def _as_data(one: Installed) -> dict[str, Any]:
    data: dict[str, Any] = {"name": one.name, "package": one.package, "version": one.version}
    if one.plugin is None:
        return data | {"fault": one.fault}
    return data | {
        "strategy_id": one.plugin.strategy_id,
        "about": one.plugin.about,
        "parameters": _parameters(one),
    }


def _parameters(one: Installed) -> list[dict[str, Any]]:
    """JSON-able: what the model's own schema says of each parameter."""
    assert one.plugin is not None
    model = one.plugin.parameters
    described = model.model_json_schema().get("properties", {})
    return [
        {
            "name": name,
            "variable": variable_of(one.name, name),
            "required": field.is_required(),
            "default": described[name].get("default"),
            "description": field.description or "",
        }
        for name, field in model.model_fields.items()
    ]

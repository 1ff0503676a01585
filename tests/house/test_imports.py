"""Arrows point down: the levels of docs/design.md, walked over every import of the package."""

import ast
from collections.abc import Iterator

import pytest
from tests.house.repository import Module, modules

# From the top. A package may import its own level and those below it.
LEVELS: tuple[tuple[str, ...], ...] = (
    ("cli", "__main__"),
    ("stages", "dashboard"),
    ("session", "monitoring", "testing"),
    ("data_plane", "strategy_plane", "order_plane"),
    ("risk", "portfolio"),
    ("bus", "ibkr", "gateway_sim"),
    ("settings", "telemetry", "clock"),
    ("contracts", "exit_codes", "resources"),
)

# Of one level, and yet strangers: planes meet on the bus only, the simulator proves the client and so may not be it.
STRANGERS = (
    frozenset({"data_plane", "strategy_plane", "order_plane"}),
    frozenset({"bus", "ibkr", "gateway_sim"}),
)

# Libraries with one door. Whatever else spoke TWS through ib_async would agree with its mistakes.
DOORS = {"ib_async": "ibkr"}

DEPTH = {name: depth for depth, names in enumerate(LEVELS) for name in names}


def package_of(module: str) -> str:
    """`algo_trade.bus.port` → "bus"; the package's own __init__ → ""."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else ""


def imports(module: Module) -> Iterator[tuple[int, str]]:
    """Line and full name of everything imported, also inside functions and for type checkers only."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module.path}:{node.lineno}: relative import"
            source = node.module or ""
            if source == "algo_trade":
                yield from ((node.lineno, f"algo_trade.{alias.name}") for alias in node.names)
            else:
                yield node.lineno, source


def objection(importer: str, imported: str) -> str | None:
    """Why package `importer` may not import package `imported`, or None."""
    if importer == imported or not importer or not imported:
        return None
    if any({importer, imported} <= group for group in STRANGERS):
        return "they never import one another"
    return "this arrow points up" if DEPTH[importer] > DEPTH[imported] else None


def test_every_package_has_a_level() -> None:
    """A new package is placed in the picture before it is used."""
    assert {package_of(module.name) for module in modules()} - {""} <= set(DEPTH)


@pytest.mark.parametrize("module", modules(), ids=lambda module: module.name)
def test_arrows_point_down(module: Module) -> None:
    """No import goes up, or to a stranger of the same level."""
    importer = package_of(module.name)
    wrong = [
        f"{module.name}:{line} imports {name}: {why}"
        for line, name in imports(module)
        if name.split(".")[0] == "algo_trade" and (why := objection(importer, package_of(name)))
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("module", modules(), ids=lambda module: module.name)
def test_libraries_with_one_door_enter_by_it(module: Module) -> None:
    """ib_async is the client's, and the client's alone."""
    importer = package_of(module.name)
    wrong = [
        f"{module.name}:{line} imports {name}: only {DOORS[library]} may"
        for line, name in imports(module)
        if (library := name.split(".")[0]) in DOORS and importer != DOORS[library]
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("importer", "imported", "allowed"),
    [
        ("cli", "session", True),
        ("session", "cli", False),
        ("data_plane", "order_plane", False),
        ("order_plane", "risk", True),
        ("risk", "order_plane", False),
        ("gateway_sim", "ibkr", False),
        ("ibkr", "gateway_sim", False),
        ("bus", "settings", True),
        ("contracts", "bus", False),
        ("settings", "exit_codes", True),
        ("clock", "telemetry", True),
        ("bus", "session", False),
    ],
)
def test_the_rule_itself(importer: str, imported: str, allowed: bool) -> None:
    """A walk that objects to nothing would pass as well."""
    assert (objection(importer, imported) is None) is allowed

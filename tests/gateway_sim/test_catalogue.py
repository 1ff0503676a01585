"""The catalogue: what is shipped, what a user's file changes, and everything that is wrong with one said at once."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from algo_trade.gateway_sim import CatalogueError, Listing, load_listing
from algo_trade.gateway_sim.catalogue import Catalogue, Instrument, derived_instrument
from algo_trade.gateway_sim.config import DEFAULT_SYMBOLS

ROOT = Path(__file__).resolve().parents[2]
GROSS_USD = 1000


def own(folder: Path, text: str) -> Path:
    path = folder / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def problems(folder: Path, text: str) -> tuple[str, ...]:
    """Why it was refused, without the name of the file."""
    path = own(folder, text)
    with pytest.raises(CatalogueError) as refused:
        load_listing(path)
    assert str(refused.value) == "\n".join(refused.value.problems)
    assert all(problem.startswith(f"{path}: ") for problem in refused.value.problems)
    return tuple(problem.removeprefix(f"{path}: ") for problem in refused.value.problems)


# -- what is shipped -----------------------------------------------------------------------------------
def test_real_instruments_keep_their_ids() -> None:
    """A program that knows SPY by its contract id finds it."""
    ids = {symbol: one.con_id for symbol, one in load_listing().instruments.items()}
    assert ids["SPY"] == 756733 and ids["QQQ"] == 320227571 and ids["IWM"] == 9579970
    assert ids["AAPL"] == 265598 and ids["MSFT"] == 272093


def test_the_plans_limit_allows_a_share_of_everything() -> None:
    """$1000 gross, of the default symbols all three at once."""
    instruments = load_listing().instruments
    assert all(instrument.base_price[1] < GROSS_USD for instrument in instruments.values())
    assert all(instruments[symbol].base_price[1] < 0.75 * GROSS_USD for symbol in DEFAULT_SYMBOLS)


def test_an_undescribed_symbol_is_the_same_everywhere() -> None:
    """Id, ISIN and price follow from the name; a described one is not made up."""
    assert derived_instrument("ZZZ") == derived_instrument("ZZZ")
    assert derived_instrument("ZZZ").con_id != derived_instrument("ZZY").con_id
    listing = load_listing()
    catalogue = Catalogue(("SPY", "ZZZ"), listing.instruments, listing.patterns)
    assert catalogue.by_symbol["SPY"] is listing.instruments["SPY"]
    assert catalogue.by_con_id[derived_instrument("ZZZ").con_id].symbol == "ZZZ"
    assert catalogue.pattern(catalogue.by_symbol["ZZZ"]) == listing.patterns["us_stock"]


# -- a user's own --------------------------------------------------------------------------------------
def test_an_own_file_changes_keys_and_adds_instruments(tmp_path: Path) -> None:
    """What it does not say stays; of a new symbol only the price is required."""
    text = """
    patterns:
      lunch: {activity: [1, 3, 1], depth: [1, 1, 1]}
    instruments:
      SPY: {depth_shares: 50, algos: false}
      TEST: {base_price: 12.5, pattern: lunch, long_name: "Test plc"}
    """
    listing, shipped = load_listing(own(tmp_path, text)), load_listing()
    spy = listing.instruments["SPY"]
    assert spy == shipped.instruments["SPY"].model_copy(update={"depth_shares": 50, "algos": False})
    assert listing.instruments["QQQ"] == shipped.instruments["QQQ"]
    test = listing.instruments["TEST"]
    assert (test.base_price, test.pattern, test.long_name) == ((12.5, 12.5), "lunch", "TEST PLC")
    assert test.con_id == derived_instrument("TEST").con_id
    assert listing.patterns["lunch"].activity_at(0.5) == pytest.approx(
        3 * listing.patterns["lunch"].activity_at(0.1)
    )
    assert listing.digest() != shipped.digest() == load_listing().digest()


def test_the_example_in_the_documentation_works(tmp_path: Path) -> None:
    """And every key is explained there."""
    page = (ROOT / "docs" / "catalogue.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"^```yaml\n(.+?)^```", page, re.DOTALL | re.MULTILINE)
    listing = load_listing(own(tmp_path, example))
    assert set(listing.instruments) > set(load_listing().instruments)
    for key in set(Instrument.model_fields) - {"symbol"}:
        assert f"| `{key}` |" in page


WRONG = {
    "unknown keys": (
        "instruments: {SPY: {depth: 5}, Q: {base_price: 5, dayly_volatility: 0.1}}",
        [
            "instruments.SPY.depth: no such key",
            "instruments.Q.dayly_volatility: no such key; did you mean daily_v",
        ],
    ),
    "values out of bounds": (
        "instruments: {SPY: {depth_shares: 2, spread_cents: 0}, Q: {base_price: [0.5, 99]}}",
        ["instruments.SPY.spread_cents: ", "instruments.SPY.depth_shares: ", "instruments.Q.base_price.0: "],
    ),
    "no price": ("instruments: {Q: {depth_shares: 20}}", ["instruments.Q.base_price: is required"]),
    "prices the wrong way round": ("instruments: {SPY: {base_price: [6, 5]}}", ["base_price: 6 is above 5"]),
    "an unknown pattern": (
        "instruments: {SPY: {pattern: us_stok}}",
        ["instruments.SPY.pattern: there is no pattern 'us_stok'; did you mean us_stock?"],
    ),
    "a bad pattern": (
        "{patterns: {us_stock: {activity: [0, 1], depth: [1]}}, instruments: {Q: {base_price: 50, depth_shares: x}}}",
        ["patterns.us_stock.activity.0: ", "instruments.Q.depth_shares: "],
    ),
    "a bad isin": (
        "instruments: {SPY: {isin: US78462F1031}}",
        ["isin: the check digit of US78462F1031 should be 0"],
    ),
    "somebody else's id": (
        "instruments: {Q: {base_price: 50, con_id: 756733}}",
        ["Q.con_id: 756733 is SPY's"],
    ),
    "a symbol that is none": ("instruments: {spy: {base_price: 5}}", ["instruments.spy: no symbol"]),
    "a symbol that yaml takes for a word": (
        "instruments: {ON: {base_price: 5}}",
        ["instruments: a name that YAML reads as True; write it in quotes"],
    ),
    "another section": ("instrument: {}", ["instrument: no such section; did you mean instruments?"]),
    "no sections": ("SPY", ["the sections patterns and instruments expected"]),
    "no names": ("instruments: [SPY]", ["instruments: names with keys expected"]),
    "no keys": ("instruments: {SPY: 5}", ["instruments.SPY: keys and values expected"]),
    "a key twice": ("instruments: {SPY: {}, SPY: {}}", ["not valid yaml: key 'SPY' twice"]),
    "no yaml": ("a: b: c", ["not valid yaml: "]),
    "a volatility cents are too coarse for": (
        "instruments: {F: {daily_volatility: 0.0001}}",
        ["instruments.F.daily_volatility: 0.0001 is too little"],
    ),
}


@pytest.mark.parametrize(("text", "expected"), WRONG.values(), ids=WRONG)
def test_everything_wrong_is_said_at_once(tmp_path: Path, text: str, expected: list[str]) -> None:
    """Each problem names the file and the key."""
    told = problems(tmp_path, text)
    assert len(told) == len(expected)
    for problem, part in zip(told, expected, strict=True):
        assert part in problem


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    """Missing, or not text."""
    with pytest.raises(CatalogueError, match="cannot be read: No such file"):
        load_listing(tmp_path / "none.yaml")
    path = tmp_path / "binary.yaml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CatalogueError, match="not UTF-8"):
        load_listing(path)


def test_a_listing_as_json_has_everything() -> None:
    """What `sim instruments --json` prints reads back as a catalogue."""
    listing = load_listing()
    told = json.loads(listing.as_json())
    back = Listing({name: Instrument.model_validate(said) for name, said in told["instruments"].items()}, {})
    assert back.instruments == listing.instruments
    assert set(told["patterns"]) == set(listing.patterns)

"""Files that come with the package but are not Python.

A wheel carries them in `_resources`; a checkout has them where people look for them, at its root.
"""

from __future__ import annotations

from importlib.resources import as_file, files
from pathlib import Path

_CHECKOUT_ROOT = Path(__file__).resolve().parents[2]


def resource_path(name: str) -> Path:
    """Where the file or folder `name` (such as "contracts/topics.yaml") lies.

    Raises FileNotFoundError, naming both places, where neither has it.
    """
    packed = files("algo_trade") / "_resources" / name
    if packed.is_file() or packed.is_dir():
        # Never inside a zip: our compiled dependencies could not be imported from one either.
        with as_file(packed) as path:
            return path
    in_checkout = _CHECKOUT_ROOT / name
    if in_checkout.exists():
        return in_checkout
    raise FileNotFoundError(f"{name} is neither in the installed package ({packed}) nor in {_CHECKOUT_ROOT}")

"""What must never be read in a log: secrets, and whole account numbers.

Applied to the finished line, traceback included, so that it does not matter which library wrote it or whether
the secret sat in the message, an argument or an exception.
"""

import re
from collections.abc import Iterable

_HIDDEN = "***"

# IBKR's letters, then at least five digits of which the last three stay: DU1234567 → DU***567. Enough to tell two
# accounts apart, not enough to name one. The simulator's DSIM001 is no secret and stays readable.
_ACCOUNT = re.compile(r"(?<![A-Za-z0-9])(D[A-Z]{0,3}|U|F|I)\d{2,9}(\d{3})(?![A-Za-z0-9])")

# name=value, name: value and "name": "value", whatever stands before the telling word (VAULT_TOKEN, sasl.password).
_NAMED_SECRET = re.compile(
    r"""(?ix) ( (?:token|password|passwd|secret|api[_-]?key|authorization) ["']? \s* [=:] \s* )
        (?: "[^"]*" | '[^']*' | (?:bearer\s+|basic\s+)? [^\s"',;&}\])]+ )"""
)

_URL_CREDENTIALS = re.compile(r"(?<=://)[^/\s:@]+:[^/\s@]+(?=@)")


def mask_account(text: str) -> str:
    """Every account number in `text` reduced to its letters and last three digits."""
    return _ACCOUNT.sub(rf"\1{_HIDDEN}\2", text)


class Redactor:
    """Takes the given secrets, whatever looks like one, and account numbers out of a text."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        longest_first = sorted(
            {secret for secret in secrets if secret}, key=lambda secret: (-len(secret), secret)
        )
        self._known = (
            re.compile("|".join(re.escape(secret) for secret in longest_first)) if longest_first else None
        )

    def __call__(self, text: str) -> str:
        if self._known is not None:
            text = self._known.sub(_HIDDEN, text)
        text = _NAMED_SECRET.sub(rf"\1{_HIDDEN}", text)
        text = _URL_CREDENTIALS.sub(_HIDDEN, text)
        return mask_account(text)

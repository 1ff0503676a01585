"""What a person fills in to place an order by hand."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

_Price = Annotated[Decimal, Field(gt=0, max_digits=15, decimal_places=4)]
_Word = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z ]{0,19}$")]


class Ticket(BaseModel):
    """An order in one symbol. Without a type it is LMT where it has a limit, STP where it has a stop, else MKT.

    What the gateway thinks of it, a type it does not have for example, is its own to say.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    symbol: Annotated[str, StringConstraints(min_length=1, max_length=20)]
    action: Literal["BUY", "SELL"]
    quantity: Annotated[int, Field(gt=0, le=1_000_000_000)]
    type: _Word | None = None
    limit: _Price | None = None
    stop: _Price | None = None
    tif: _Word = "DAY"

    @property
    def order_type(self) -> str:
        if self.type is not None:
            return self.type
        if self.stop is not None:
            return "STP" if self.limit is None else "STP LMT"
        return "MKT" if self.limit is None else "LMT"

    def fields(self) -> dict[str, str]:
        """As the fields of placeOrder."""
        return {
            "exchange": "SMART",
            "action": self.action,
            "totalQty": str(self.quantity),
            "orderType": self.order_type,
            "lmtPrice": "" if self.limit is None else str(self.limit),
            "auxPrice": "" if self.stop is None else str(self.stop),
            "tif": self.tif,
            "transmit": "1",
        }

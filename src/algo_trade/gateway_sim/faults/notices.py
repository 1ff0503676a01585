"""What the gateway says of the broker and of its data farms, as it says it."""

from __future__ import annotations

Notice = tuple[int, str]

LOST: Notice = (1100, "Connectivity between IBKR and Trader Workstation has been lost.")
RESTORED: dict[str, Notice] = {
    "lost": (1101, "Connectivity between IBKR and Trader Workstation has been restored - data lost."),
    "maintained": (
        1102,
        "Connectivity between IBKR and Trader Workstation has been restored - data maintained. All data farms are "
        "connected: simfarm.",
    ),
}
FARMS: dict[str, tuple[Notice, Notice]] = {
    "market": (
        (2103, "Market data farm connection is broken:simfarm"),
        (2104, "Market data farm connection is OK:simfarm"),
    ),
    "history": (
        (2105, "HMDS data farm connection is broken:simfarm"),
        (2106, "HMDS data farm connection is OK:simfarm"),
    ),
}
BROKEN: Notice = (2110, "Connectivity between TWS and server is broken. It will be restored automatically.")

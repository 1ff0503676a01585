"""Every bound a stranger meets beside the gateway's own rules: what one may hold, cost and keep waiting.

The gateway's own rules (messages a second, market data lines, pacing) stand where they are answered. These are ours,
and with them the memory that strangers hold is bounded: see `Crowd`.
"""

from __future__ import annotations

MAX_FRAME_BYTES = 256 * 1024
"""The longest frame that is waited for. A longer one ends the connection before anything is set aside for it."""

MAX_REQUEST_BYTES = 16 * 1024
"""The longest request that is read; more is error 320. An order with everything in it has 2 KB, and is kept."""

MAX_NUMBER_CHARS = 400
"""The longest text that is read as a number. The largest double written out has 309 digits."""

MAX_LIST_ROWS = 1_000
"""The rows of a counted list in a request."""

MAX_FRAMES_A_TURN = 32
"""Frames of one connection that are handled before everybody else's turn comes: 3 ms of work, at 0.1 ms an order."""

MAX_UNREAD_BYTES = 16 * 1024 * 1024
"""What one client may leave unread. A client that lets this much pile up does not read: it is cut off."""

MAX_UNREAD_BYTES_OF_ALL = 64 * 1024 * 1024
"""What all clients may leave unread together. Who owes the most is cut off first."""

SOCKET_BACKLOG_BYTES = 64 * 1024
"""Of what is unread, so much is handed to the transport; the rest waits here, where adding to it costs nothing."""

MAX_WAITING = 64
"""Connections that have not started the API. One more, and the one that has waited longest is cut off."""

START_API_WITHIN_S = 30.0
"""How long a connection may take from its first byte's chance to startApi. Clients take milliseconds."""

LINGER_S = 5.0
"""How long a closed connection may take to read what it is still owed."""

KEEPALIVE_IDLE_S, KEEPALIVE_EVERY_S, KEEPALIVE_PROBES = 60, 15, 4
"""A client that vanished without a word is noticed after two minutes of silence, and its client id is free again."""

UNACKNOWLEDGED_MS = 300_000
"""A client that was owed something when it vanished, or that reads nothing, is given up after five minutes."""

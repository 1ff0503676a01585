"""The TWS protocol as bytes in, fields out and back: no sockets, no state of the simulator."""

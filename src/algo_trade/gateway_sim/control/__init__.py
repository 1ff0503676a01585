"""The control port: what stands outside the TWS protocol, over HTTP, on this machine only."""

from algo_trade.gateway_sim.control.api import ControlPort

__all__ = ["ControlPort"]

"""The seeded market: a limit order book of one symbol, and the orders of others that arrive at it.

    shape    numbers: what a catalogue entry means to a book; every constant measured on the book itself
    book     mechanism: levels with queues, and what one arriving order does to them
    flow     arrivals: how busy it is, how deep, and which side is pressed, from two seconds to two seconds
    source   days: opening, hours, overnight gaps; yields quotes

Prices come from nothing but orders, so order flow moves them as Cont, Kukanov and Stoikov measured it. What is
assumed is listed in docs/assumptions.md.
"""

from algo_trade.gateway_sim.book_market.source import SeededQuotes
from algo_trade.gateway_sim.book_market.terms import FLAT, IntradayPattern, MarketTerms

__all__ = ["FLAT", "IntradayPattern", "MarketTerms", "SeededQuotes"]

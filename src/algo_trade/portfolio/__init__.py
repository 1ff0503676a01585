"""Positions and money, folded from execution reports, exact to the micro-dollar."""

from algo_trade.portfolio.book import Book, PositionView
from algo_trade.portfolio.money import MICROS, dollars, dollars_text, micros
from algo_trade.portfolio.portfolio import Pnl, Portfolio

__all__ = ["MICROS", "Book", "Pnl", "Portfolio", "PositionView", "dollars", "dollars_text", "micros"]

"""report.html: the results as a page that opens anywhere, for eyes, ears and paper."""

from algo_trade.session.report.page.document import page

__all__ = ["page"]

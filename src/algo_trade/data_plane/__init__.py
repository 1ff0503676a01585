"""The data plane: what the gateway sends becomes messages others can trust, or dead letters that say why not.

`producers_rt` for quotes and trades, `bar_feed` for bars: history (`producers_hist`) and then live ones, joined as
`handover` has it. `normalise` knows the gateway's words, `quality` how fresh, complete and well-timed the quotes are.
"""

from algo_trade.data_plane.bar_feed import BarFeed, LiveBars
from algo_trade.data_plane.producers_hist import Backfill, BarSource, HistoricalProducer
from algo_trade.data_plane.producers_rt import ProducerCounts, RealTimeProducer, TickSource
from algo_trade.data_plane.quality import QualityLimits

__all__ = [
    "Backfill",
    "BarFeed",
    "BarSource",
    "HistoricalProducer",
    "LiveBars",
    "ProducerCounts",
    "QualityLimits",
    "RealTimeProducer",
    "TickSource",
]

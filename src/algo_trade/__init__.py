"""algo-trade: a paper-trading proving ground for Interactive Brokers."""

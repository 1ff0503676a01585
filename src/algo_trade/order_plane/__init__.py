"""From an intent to an order and back: journal, risk, broker, reports. The only plane that may trade."""

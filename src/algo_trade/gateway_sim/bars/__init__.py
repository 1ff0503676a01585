"""Bars: what the gateway's real-time and historical bars are made of.

`columns` keeps bars of one length as arrays; `recorder` makes them from the running market, five seconds each; `past`
makes up the days before; `sizes` knows the lengths, durations and times a request may name; `history` answers a
request from both; `streams` sends what is subscribed.
"""

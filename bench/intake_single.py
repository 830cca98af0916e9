"""Durable intake through the real path, one alert a request, beside Debian's Alertmanager."""

import sys

from _intake import compare
from _lab import Load

CLAIM = (
    "One alert a request on 64 connections: every 2xx after its commit, at 0.7 or more of"
    " Alertmanager's alerts/s, for at most 1.5 of its CPU an alert, sorted within 5 s of the end."
)

if __name__ == "__main__":
    load = Load(alerts=40_000, batch=1, connections=64)
    sys.exit(compare("intake_single", CLAIM, load, ratio=0.7))

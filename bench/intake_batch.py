"""Durable intake through the real path, 64 alerts a request, beside Debian's Alertmanager."""

import sys

from _intake import compare
from _lab import Load

CLAIM = (
    "64 alerts a request on 16 connections with --workers 2: every 2xx after its commit, at"
    " Alertmanager's alerts/s, for at most 1.5 of its CPU an alert, sorted within 5 s of the end."
)

if __name__ == "__main__":
    load = Load(alerts=102_400, batch=64, connections=16)
    sys.exit(compare("intake_batch", CLAIM, load, ratio=1.0, workers=2))

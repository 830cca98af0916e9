"""Runs Tocsin where time goes fast: what goes by its own running time must be as much longer.

Without a beat for three seconds of it a process takes itself for one that was stopped.
"""

import os
import runpy
import sys

from tocsin.kernel import pulse

pulse.STOPPED_S *= float(os.environ["SOAK_RATE"])
sys.argv = sys.argv[3:]  # what follows `python -m`
runpy.run_module("tocsin", run_name="__main__", alter_sys=True)

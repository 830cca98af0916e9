"""Will this page someone? A proof over all of the time ahead, with the counter-example when not.

`verdicts` are what is said, `stands` who stands on a rung when, `walk` follows a page from rung to
rung for every instant at once, `proof` puts them together, `wording` writes it down, and
`simulating` lets one page climb as the machine itself does.
"""

from tocsin.oncall.core.assurance.drafted import Drafted
from tocsin.oncall.core.assurance.proof import lasts_s, prove
from tocsin.oncall.core.assurance.simulating import Simulated, SimulatedCall, simulate
from tocsin.oncall.core.assurance.verdicts import (
    Assurance,
    Cause,
    CauseKind,
    Hole,
    Line,
    Outcome,
    Path,
)
from tocsin.oncall.core.assurance.wording import cause_words, hole_words, line_words

__all__ = [
    "Assurance",
    "Cause",
    "CauseKind",
    "Drafted",
    "Hole",
    "Line",
    "Outcome",
    "Path",
    "Simulated",
    "SimulatedCall",
    "cause_words",
    "hole_words",
    "lasts_s",
    "line_words",
    "prove",
    "simulate",
]

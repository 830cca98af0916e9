"""The soak uses the server, the mail and the wire that the kills use."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "kill"))

"""What the last nightly check of all paths has found."""

from tocsin.kernel.unit import Unit
from tocsin.oncall import store
from tocsin.oncall.core.assurance import Assurance


async def last_assurance(unit: Unit) -> Assurance | None:
    """Return the last check; None: there was none, or its words are not known any more."""
    unit.require("oncall:read")
    found = await store.checked(unit.conn)
    return found.found if found else None

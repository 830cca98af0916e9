"""Send a person the message that they asked for, to see whether their method works."""

from tocsin.kernel.actor import Actor
from tocsin.kernel.unit import Unit
from tocsin.kernel.units import Units
from tocsin.oncall import actions
from tocsin.oncall.core.message import compose_test
from tocsin.oncall.jobs.sending import Channels, send
from tocsin.oncall.model import ContactTest, Method
from tocsin.oncall.ports import Outgoing


class Trial:
    """Tests through the very channels that pages take."""

    def __init__(self, units: Units, channels: Channels, base_url: str) -> None:
        self._units = units
        self._channels = channels
        self._base_url = base_url

    async def run(self, actor: Actor, index: int) -> ContactTest:
        """Send one test and return its row. Raises NotFound, Invalid, TooMany.

        If the process dies in between, the row stays, its outcome not known.
        """

        async def begin(unit: Unit) -> tuple[ContactTest, Method]:
            return await actions.begin_test(unit, index)

        test, method = await self._units.run(actor, begin)
        outcome = await send(self._channels, method, self._message(test, method))

        async def end(unit: Unit) -> ContactTest:
            return await actions.end_test(unit, test, outcome)

        return await self._units.run(actor, end)

    def _message(self, test: ContactTest, method: Method) -> Outgoing:
        url = f"{self._base_url}/inbox"
        message = compose_test(test.method + 1, inbox_url=url)
        return Outgoing(
            to=method.address, subject=message.subject, text=message.text,
            key=f"test/{test.id}", event="test", link=url, secret=method.secret,
            priority=method.priority,
        )  # fmt: skip

"""ACME's people: some read their mail and press the button in it, as a browser would."""

import asyncio
from urllib.parse import urlsplit

import httpx
from msgspec import Struct

from tocsin.app.demo.mailbox import Mail, Mailbox
from tocsin.app.demo.terminal import Terminal

BUTTON = 'id="acknowledge"'


class Habit(Struct, frozen=True, kw_only=True):
    """Whoever is called about `service` as this `step` presses the button after `after_s`."""

    service: str
    step: int
    after_s: float


# checkout is answered by whoever is on call; of payments-db only the second person takes care;
# search heals before anybody looks. What a visitor sends is the visitor's to answer.
HABITS = (
    Habit(service="checkout", step=1, after_s=60),
    Habit(service="payments-db", step=2, after_s=20),
)


def habit_for(mail: Mail) -> Habit | None:
    """Return what the reader of `mail` will do about it; None: nothing."""
    lines = mail.text.splitlines()
    for habit in HABITS:
        called = any(line.startswith(f"You are called as step {habit.step}") for line in lines)
        if called and f"service = {habit.service}" in lines:
            return habit
    return None


class People:
    """They share one mail server, and each mail has one reader."""

    def __init__(self, mailbox: Mailbox, client: httpx.AsyncClient, terminal: Terminal) -> None:
        self._mailbox = mailbox
        self._client = client
        self._terminal = terminal

    async def run(self) -> None:
        """Read mail until cancelled."""
        async with asyncio.TaskGroup() as group:
            while True:
                mail = await self._mailbox.arrived.get()
                self._terminal.happened("mail", f"to {mail.to}: {mail.subject}")
                if mail.link:
                    self._terminal.happened("", f"acknowledge: {mail.link}")
                habit = habit_for(mail)
                if habit is not None and mail.link:
                    group.create_task(self._answer(mail, habit.after_s))

    async def _answer(self, mail: Mail, after_s: float) -> None:
        await asyncio.sleep(after_s)
        path = urlsplit(mail.link).path
        try:
            page = await self._client.get(path)
            if BUTTON not in page.text:
                return  # somebody else was quicker, perhaps the visitor
            name = mail.to.partition("@")[0].capitalize()
            self._terminal.happened("mail", f"{name} opens the link and presses Acknowledge")
            await self._client.post(path)
        except httpx.HTTPError:
            return  # Tocsin is just being started again; the next page will be answered

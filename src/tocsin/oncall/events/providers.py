"""What can have happened to a provider of messages, as one process sees it."""

from typing_extensions import override

from tocsin.kernel.events import Event, Names


class ProviderFailed(Event, frozen=True, tag="oncall.provider_failed"):
    """A provider has failed again and again, and is left alone for a while."""

    provider: str
    reason: str

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return f"Messages by {self.provider} fail: {self.reason}"


class ProviderRecovered(Event, frozen=True, tag="oncall.provider_recovered"):
    """A provider that was left alone has taken a message again."""

    provider: str

    @override
    def sentence(self, name: Names) -> str:
        """Say it."""
        return f"Messages by {self.provider} are taken again"

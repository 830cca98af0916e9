"""One folder per outside system: how it talks to us and how we talk to it."""

"""Apprise as a channel: the long tail of services that Tocsin does not speak to itself."""

"""The web inbox as a channel: it is in Tocsin already, so nothing leaves."""

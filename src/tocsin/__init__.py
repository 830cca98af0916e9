"""Tocsin: the whole life of an incident on one log."""

__version__ = "0.1.0"

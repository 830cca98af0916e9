"""Signed HTTP callbacks to any program."""

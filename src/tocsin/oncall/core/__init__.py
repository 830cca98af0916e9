"""Decisions of oncall: values in, named outcomes out; no clock, no database, no network."""

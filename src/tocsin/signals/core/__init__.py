"""Decisions of intake: values in, values out; no clock, no database, no network."""

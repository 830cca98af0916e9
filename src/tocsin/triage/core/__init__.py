"""Decisions of triage: values in, named outcomes out; no clock, no database, no network."""

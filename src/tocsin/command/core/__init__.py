"""Decisions of command: values and the instant in, a named outcome out."""

"""Slack: pages with buttons, and what people press and write, by Socket Mode."""

"""Does it matter, and to whom? Alerts, groups and routes."""

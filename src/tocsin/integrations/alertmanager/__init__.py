"""Alertmanager's API v2: what Prometheus, amtool and Grafana send and expect back."""

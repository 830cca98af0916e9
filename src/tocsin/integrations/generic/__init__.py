"""Any JSON over HTTP, read by an integration's own mapping."""

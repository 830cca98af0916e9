"""ntfy: push to a phone through a server one can run at home."""

"""Web push: a message to a browser, by the push service of its vendor, that only it can read."""

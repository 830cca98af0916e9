"""Is something wrong? Raw signals, kept before they are answered."""

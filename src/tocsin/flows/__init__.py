"""The story: when this happens, that follows."""

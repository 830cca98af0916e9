"""What hangs on what? Services and who owns them."""

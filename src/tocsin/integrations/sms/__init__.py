"""Text messages: how short they are made, and any gateway that takes HTTP."""

"""Who leads, who is told? Incidents and their timeline."""

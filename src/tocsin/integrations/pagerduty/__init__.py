"""PagerDuty's Events API v2: what monitoring tools send to it, taken here instead."""

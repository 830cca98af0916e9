"""Governance's decisions: what a secret looks like, what a role may become, who is in which team."""

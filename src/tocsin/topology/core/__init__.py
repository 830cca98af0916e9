"""Topology's decisions: which service an alert is about, and whose it is."""

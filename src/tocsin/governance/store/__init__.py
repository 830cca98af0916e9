"""Governance's rows. The only modules that name the tables of schema `governance` for writing."""

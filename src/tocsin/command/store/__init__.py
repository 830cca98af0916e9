"""Command's rows. The only modules that name the tables of schema `command` for writing."""

"""Lets `python -m tocsin` do what the `tocsin` command does."""

from tocsin.app import main

main()

"""The composition root: the one place where everything meets; wires, starts, stops."""


def main() -> None:
    """Run the `tocsin` command."""
    from tocsin.app.runtime import Runtime  # noqa: PLC0415 - keeps `tocsin --help` fast
    from tocsin.cli.main import run  # noqa: PLC0415

    run(Runtime())

"""Puts the checkout into the running virtual environment: `import tocsin` and the command.

What an editable install would do, without fetching a build backend that no lock names.
"""

import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COMMAND = """#!{python}
import sys

from tocsin.app import main

sys.exit(main())
"""


def main() -> None:
    """Write the path file and the `tocsin` command, and say nothing."""
    packages = Path(sysconfig.get_path("purelib"))
    (packages / "tocsin.pth").write_text(f"{ROOT / 'src'}\n", encoding="utf-8")
    command = Path(sysconfig.get_path("scripts")) / "tocsin"
    command.write_text(COMMAND.format(python=sys.executable), encoding="utf-8")
    command.chmod(0o755)


if __name__ == "__main__":
    main()

"""Lighthouse as an npm package of its own, in Debian's Chromium: what it thinks of one address."""

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

HOME = Path(__file__).resolve().parent / "lighthouse"
PROGRAM = HOME / "node_modules" / "lighthouse" / "cli" / "index.js"
CHROMIUM = os.environ.get("TOCSIN_CHROMIUM", "/usr/bin/chromium")
FLAGS = "--headless=new --no-sandbox --disable-gpu --disable-background-networking"
LOAD_MAX_MS = 15_000


def is_installed() -> bool:
    """Say whether there is something to measure with."""
    return PROGRAM.exists() and Path(CHROMIUM).exists()


def audit(url: str, *, cookie: str = "", categories: Sequence[str]) -> dict[str, Any]:
    """Return a score from 0 to 100 for each category, and what cost points."""
    command = [
        "node", str(PROGRAM), url, "--quiet", "--output=json", f"--chrome-flags={FLAGS}",
        f"--only-categories={','.join(categories)}", f"--max-wait-for-load={LOAD_MAX_MS}",
        f"--extra-headers={json.dumps({'Cookie': cookie} if cookie else {})}",
    ]  # fmt: skip
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, timeout=180,
        env=dict(os.environ) | {"CHROME_PATH": CHROMIUM},
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"{url}: {done.stderr.strip()[-600:]}")
    told = json.loads(done.stdout)
    found = told["categories"]
    refs = {ref["id"] for one in found.values() for ref in one["auditRefs"] if ref["weight"]}
    return {
        "scores": {name: round((one["score"] or 0) * 100) for name, one in found.items()},
        "flaws": sorted(
            f"{name}: {one['title']}"
            for name, one in told["audits"].items()
            if name in refs and one.get("score") is not None and one["score"] < 1
        ),
        "final_url": told["finalDisplayedUrl"],
    }

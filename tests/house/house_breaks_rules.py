"""What the linter alone must stop: one mistake for each thing that is banned, and for each rule."""

BANNED = {
    "datetime.datetime.now": "import datetime\na = datetime.datetime.now(datetime.UTC)",
    "datetime.datetime.utcnow": "from datetime import datetime\nb = datetime.utcnow()",
    "datetime.date.today": "from datetime import date\nc = date.today()",
    "time.time": "import time\nd = time.time()",
    "asyncio.create_task": "import asyncio\ne = asyncio.create_task(f())",
    "asyncio.gather": "import asyncio\ng = asyncio.gather(f(), f())",
    "os.environ": 'import os\nh = os.environ["HOME"]',
    "os.getenv": 'import os\ni = os.getenv("HOME")',
    "uuid.uuid4": "from uuid import uuid4\nj = uuid4()",
    "random": "import random\nk = random.random()",
    "unittest.mock": "from unittest import mock\nl = mock.Mock()",
}

RULES = {
    "BLE001": '"""A."""\ntry:\n    import a\nexcept Exception:\n    a = None\n',
    "T201": '"""A."""\n\nprint("a")\n',
    "S608": '"""A."""\n\na = "b"\nb = f"SELECT a FROM {a} WHERE b = 1"\n',
    "S701": '"""A."""\n\nimport jinja2\n\na = jinja2.Environment()\n',
    "DTZ001": '"""A."""\n\nfrom datetime import datetime\n\na = datetime(2026, 1, 1)\n',
    "TID252": '"""A."""\n\nfrom . import b\n\na = b\n',
    "ANN201": '"""A."""\n\n\ndef a():\n    """B."""\n',
    "D100": "a = 1\n",
    "D103": '"""A."""\n\n\ndef a() -> None:\n    b()\n',
    "C901": '"""A."""\n\n\ndef a(b: int) -> None:\n    """B."""\n'
    + "".join(f"    if b == {n}:\n        c()\n" for n in range(9)),
    "PLR0913": '"""A."""\n\n\ndef a(b, c, d, e, f, g, h) -> None:\n    """B."""\n',
    "FBT001": '"""A."""\n\n\ndef a(b: bool) -> None:\n    """B."""\n',
    "PGH003": '"""A."""\n\nimport b  # type: ignore\n\na = b\n',
    "PGH004": '"""A."""\n\nimport b  # noqa\n',
    "RUF100": '"""A."""\n\na = 1  # noqa: S608\n',
    "ERA001": '"""A."""\n\n# a = b(1)\n',
    "ASYNC230": '"""A."""\n\n\nasync def a() -> None:\n    """B."""\n    with open("a") as b:\n        b.read()\n',
    "S105": '"""A."""\n\npassword = "tocsin-tocsin"\n',
    "S301": '"""A."""\n\nimport pickle\n\na = pickle.loads(b"")\n',
    "S602": '"""A."""\n\nimport subprocess\n\nsubprocess.run("ls | wc", shell=True)\n',
}

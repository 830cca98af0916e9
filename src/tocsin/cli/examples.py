"""An example of each command, which its `--help` ends with."""

from collections.abc import Mapping

import click

EXAMPLES: Mapping[str, tuple[str, ...]] = {
    "alert list": (
        "tocsin alert list --team payments",
        "tocsin alert list --state all --text 'disk full'",
    ),
    "alert resolve": ("tocsin alert resolve 01a2084a-cf9b-715c-9376-1181b97fe11f",),
    "alert send": ("tocsin alert send alertname=Test service=checkout severity=critical",),
    "alert show": ("tocsin alert show 01a2084a-cf9b-715c-9376-1181b97fe11f",),
    "alert why": ("tocsin alert why 01a2084a-cf9b-715c-9376-1181b97fe11f",),
    "api": (
        "tocsin api GET '/incidents?status=open&limit=5'",
        "tocsin api POST /incidents -d 'title=Checkout is slow' -d severity:=2",
    ),
    "apply": (
        "tocsin apply -f config/",
        "tocsin apply -f config/ --prune",
        "cat team.yaml | tocsin apply -f -",
    ),
    "backup": ("tocsin backup /backups/tocsin.tar",),
    "change list": ("tocsin change list --service checkout",),
    "completion": ('eval "$(tocsin completion bash)"', "tocsin completion fish | source"),
    "demo": ("tocsin demo --port 8650",),
    "diff": ("tocsin diff -f config/",),
    "doctor": ("tocsin doctor", "tocsin doctor --json | jq '.[] | select(.ok | not)'"),
    "export": ("tocsin export > tocsin.yaml", "tocsin export --kind Schedule -d config/"),
    "heartbeat key": (
        "tocsin heartbeat key nightly-backup",
        "tocsin heartbeat key nightly-backup --json | jq -r .url > /etc/backup.url",
    ),
    "heartbeat list": ("tocsin heartbeat list",),
    "heartbeat pause": ("tocsin heartbeat pause nightly-backup",),
    "heartbeat ping": ("tocsin heartbeat ping nightly-backup --kind start",),
    "heartbeat resume": ("tocsin heartbeat resume nightly-backup",),
    "heartbeat show": ("tocsin heartbeat show nightly-backup",),
    "history": ("tocsin history Schedule/primary",),
    "incident ack": ("tocsin incident ack INC-12",),
    "incident declare": (
        'tocsin incident declare "Checkout is slow" --severity 2 --service checkout',
        'tocsin incident declare "Checkout is down" --severity 1 --page payments',
    ),
    "incident erase-note": (
        "tocsin incident erase-note INC-12 01a2084e-8856-7265-82cf-7797fc555d1f",
    ),
    "incident escalate": ("tocsin incident escalate INC-12",),
    "incident export": (
        "tocsin incident export INC-12 --to INC-12.md",
        "tocsin incident export INC-12 --format json --to INC-12.json",
    ),
    "incident link": (
        "tocsin incident link INC-12 https://wiki.example.org/checkout --title Runbook",
    ),
    "incident list": (
        "tocsin incident list --mine",
        "tocsin incident list --status all --service checkout --severity 1",
    ),
    "incident merge": ("tocsin incident merge INC-13 INC-12",),
    "incident note": ('tocsin incident note INC-12 "Rolled back to 4.1, errors are falling"',),
    "incident priority": ("tocsin incident priority INC-12 P1",),
    "incident relate": ("tocsin incident relate INC-12 INC-9",),
    "incident reopen": ("tocsin incident reopen INC-12",),
    "incident resolve": ("tocsin incident resolve INC-12",),
    "incident restrict": (
        "tocsin incident restrict INC-12 --person maya --role manager",
        "tocsin incident restrict INC-12 --remove",
    ),
    "incident search": ("tocsin incident search 'checkout -deploy'",),
    "incident severity": ("tocsin incident severity INC-12 1",),
    "incident show": ("tocsin incident show INC-12",),
    "incident split": (
        'tocsin incident split INC-12 "Search is slow" --group 01a2084a-cf9b-70d2-8bd8-21b54f6d1e08',
    ),
    "incident status": ("tocsin incident status INC-12 identified",),
    "incident unlink": ("tocsin incident unlink INC-12 01a2084e-df86-7762-b5bc-133f0236c7e3",),
    "incident watch": (
        "tocsin incident watch",
        "tocsin incident watch INC-12 --json | jq -r .sentence",
    ),
    "integration errors": ("tocsin integration errors grafana",),
    "integration list": ("tocsin integration list",),
    "integration show": ("tocsin integration show grafana",),
    "integration try": ("tocsin integration try -f uptime.yaml payload.json",),
    "link": ("tocsin link", "tocsin link --role viewer"),
    "log-level": ("tocsin log-level debug --for 10m",),
    "login": ("tocsin login https://tocsin.example.org",),
    "logout": ("tocsin logout",),
    "migrate": ("tocsin migrate --check",),
    "notify devices": ("tocsin notify devices", "tocsin notify devices --remove ID"),
    "notify methods": ("tocsin notify methods", "tocsin notify methods --person maya"),
    "notify test": ("tocsin notify test --method 0",),
    "notify verify": ("tocsin notify verify --method 1",),
    "oncall calendar add": (
        "tocsin oncall calendar add",
        "tocsin oncall calendar add --team payments --json | jq -r .url",
    ),
    "oncall calendar list": ("tocsin oncall calendar list",),
    "oncall calendar regenerate": (
        "tocsin oncall calendar regenerate 0199c0de-0000-7000-8000-000000000001",
    ),
    "oncall calendar revoke": (
        "tocsin oncall calendar revoke 0199c0de-0000-7000-8000-000000000001",
    ),
    "oncall coverage": ("tocsin oncall coverage", "tocsin oncall coverage primary --days 30"),
    "oncall gaps": ("tocsin oncall gaps --weeks 8",),
    "oncall import": (
        "tocsin oncall import primary --layer vendor -f vendor.ics | tocsin plan -f -",
    ),
    "oncall leave": ("tocsin oncall leave --from 2026-07-01T00:00 --to 2026-07-15T00:00",),
    "oncall me": ("tocsin oncall me",),
    "oncall next": ("tocsin oncall next primary",),
    "oncall override add": (
        "tocsin oncall override add primary maya --from 2026-03-30T09:00 --to 2026-03-30T18:00",
        "tocsin oncall override add primary jonas --kind remove --from 2026-03-30 --to 2026-04-06",
    ),
    "oncall override end": ("tocsin oncall override end 0199c0de-0000-7000-8000-000000000001",),
    "oncall override list": ("tocsin oncall override list primary",),
    "oncall preview": (
        "tocsin oncall preview -f primary.yaml --from 2026-03-01T00:00 --to 2026-04-01T00:00",
        "tocsin oncall preview -f primary.yaml --at 2026-03-29T02:30+01:00 --json",
    ),
    "oncall schedules": ("tocsin oncall schedules",),
    "oncall show": ("tocsin oncall show primary --weeks 4",),
    "oncall who": (
        "tocsin oncall who",
        "tocsin oncall who primary --json | jq -r '.[0].now.person.name'",
    ),
    "oncall swap accept": ("tocsin oncall swap accept 0199c0de-0000-7000-8000-000000000001",),
    "oncall swap ask": (
        "tocsin oncall swap ask primary 12 jonas --reason 'my sister marries'",
        "tocsin oncall swap ask primary 12 jonas --back 13",
    ),
    "oncall swap decline": ("tocsin oncall swap decline 0199c0de-0000-7000-8000-000000000001",),
    "oncall swap list": ("tocsin oncall swap list",),
    "oncall swap withdraw": (
        "tocsin oncall swap withdraw 0199c0de-0000-7000-8000-000000000001",
    ),
    "oncall temporary add": (
        "tocsin oncall temporary add primary --shift 'maya 2026-12-24T09:00 2026-12-26T09:00'",
        "tocsin oncall temporary add primary --shift 'maya,jonas 2026-12-24T09:00 2026-12-25T09:00'",
    ),
    "oncall temporary end": (
        "tocsin oncall temporary end 0199c0de-0000-7000-8000-000000000001",
    ),
    "oncall temporary list": ("tocsin oncall temporary list primary",),
    "page acknowledge": ("tocsin page acknowledge INC-12",),
    "page hand-back": ("tocsin page hand-back INC-12",),
    "page reassign": (
        "tocsin page reassign INC-12 --person jonas",
        "tocsin page reassign INC-12 --schedule primary --slot secondary",
    ),
    "page request": (
        "tocsin page request INC-12 --person jonas",
        "tocsin page request INC-12 --policy databases",
    ),
    "page snooze": (
        "tocsin page snooze INC-12 --for 1h",
        "tocsin page snooze INC-12 --until 2026-03-27T18:00:00Z",
    ),
    "page why": ("tocsin page why 01a2084a-cd48-795a-a750-64a7fb8fe8e2",),
    "paging hold": ("tocsin paging hold",),
    "paging release": ("tocsin paging release",),
    "paging status": ("tocsin paging status",),
    "person disable": ("tocsin person disable jonas",),
    "person enable": ("tocsin person enable jonas",),
    "person invite": ("tocsin person invite maya --role manager",),
    "person list": ("tocsin person list",),
    "person reset": ("tocsin person reset jonas",),
    "person role": ("tocsin person role jonas manager",),
    "plan": (
        "tocsin plan -f config/",
        "tocsin plan -f config/ --effective-from 2026-03-30T09:00+02:00",
    ),
    "policy check": ("tocsin policy check", "tocsin policy check payments --days 90"),
    "policy list": ("tocsin policy list",),
    "policy show": ("tocsin policy show default",),
    "policy simulate": ("tocsin policy simulate default --at 2026-12-24T09:00+01:00",),
    "reactions": ("tocsin reactions",),
    "restore": (
        "tocsin restore /backups/tocsin.tar",
        "tocsin restore /backups/tocsin.tar --verify",
    ),
    "rollback": ("tocsin rollback Schedule/primary --to 3",),
    "route list": ("tocsin route list",),
    "route try": (
        "tocsin route try service=orders-db severity=critical",
        "tocsin route try alert.json",
    ),
    "run": (
        "tocsin run --heartbeat https://tocsin.example.org/heartbeat/KEY -- pg_dump -f shop.sql",
        "HEARTBEAT_URL=$(cat /etc/backup.url) tocsin run -- /usr/local/bin/backup",
    ),
    "schema": ("tocsin schema > tocsin.schema.json",),
    "search": ("tocsin search checkout -deploy", "tocsin search '\"payment provider\"'"),
    "sentinel": (
        "tocsin sentinel --url https://tocsin.example.org --contact ntfy://ntfy.sh/our-topic",
        "tocsin sentinel --url https://tocsin.example.org --contact tel:+4915123456789",
    ),
    "serve": ("tocsin serve", "tocsin serve --host 0.0.0.0 --port 8640"),
    "service list": ("tocsin service list --team payments",),
    "service show": ("tocsin service show checkout",),
    "support-bundle": ("tocsin support-bundle tocsin-support.tar",),
    "token create": (
        "tocsin token create prometheus --role integration --rate 500",
        "tocsin token create deploy-bot --role responder --team payments --expires 90d",
        "tocsin token create nightly --own --role viewer --expires 30d",
    ),
    "token list": ("tocsin token list",),
    "token revoke": ("tocsin token revoke deploy-bot",),
    "version": ("tocsin version",),
    "whoami": ("tocsin whoami",),
}


def show(command: click.Command, path: str = "") -> None:
    """Let the help of every command below this one end with its examples."""
    if isinstance(command, click.Group):
        for name, child in command.commands.items():
            show(child, f"{path} {name}".strip())
    elif path in EXAMPLES:
        lines = "\n".join(f"  {line}" for line in EXAMPLES[path])
        command.epilog = f"\b\nFor example:\n{lines}"

"""deploy/ before the programs that read it: systemd's own check, and Go's templates for the chart."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tocsin.cli.sentinel import sentinel
from tocsin.kernel.settings import Settings, load

pytestmark = [pytest.mark.peer]

ROOT = Path(__file__).parents[2]
UNITS = sorted((ROOT / "deploy" / "systemd").glob("*.service"))
CHART = ROOT / "deploy" / "helm" / "tocsin"
GO = Path("/usr/share/gocode/src")
VALUES = """
url: https://tocsin.example.org
secretName: tocsin
replicas: 3
image: {repository: registry.example.org/tocsin}
imagePullSecrets: [{name: pull}]
settings: {TOCSIN_LAST_RESORT: "ntfy://ntfy.sh/x"}
ingress: {enabled: true, className: nginx, host: tocsin.example.org, tlsSecretName: tls}
sentinel: {enabled: true, contacts: ["ntfy://ntfy.sh/x", "mailto:a@example.org"]}
nodeSelector: {disk: ssd}
tolerations: [{key: a, operator: Exists}]
"""


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: str(unit.stem))
def test_systemd_has_nothing_to_say_about_a_unit(unit: Path, tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("no systemd-analyze: apt install systemd")
    copy = tmp_path / unit.name
    text = unit.read_text("utf-8")
    assert "/usr/lib/tocsin/bin/tocsin" in text
    copy.write_text(text.replace("/usr/lib/tocsin/bin/tocsin", "/bin/true"))
    done = subprocess.run(
        ["systemd-analyze", "verify", str(copy)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.fixture(scope="module")
def renderer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("go") is None or not (GO / "github.com/Masterminds/sprig").is_dir():
        pytest.skip(
            "no Go templates: apt install golang-go golang-github-masterminds-sprig-dev"
            " golang-k8s-sigs-yaml-dev"
        )
    program = tmp_path_factory.mktemp("chart") / "render"
    cache = ROOT / ".build" / "go"
    environment = os.environ | {
        "GO111MODULE": "off", "GOPATH": str(GO.parent), "GOCACHE": str(cache), "GOFLAGS": "",
    }  # fmt: skip
    command = ["go", "build", "-o", str(program), str(ROOT / "tools" / "chart" / "render.go")]
    subprocess.run(command, check=True, env=environment)
    return program


def rendered(renderer: Path, place: Path, values: str) -> list[dict[str, Any]]:
    file = place / "values.yaml"
    file.write_text(values)
    done = subprocess.run(
        [renderer, CHART, "acme", file], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return [one for one in yaml.safe_load_all(done.stdout) if one]


def test_the_chart_renders_and_its_parts_fit_together(renderer: Path, tmp_path: Path) -> None:
    found = rendered(renderer, tmp_path, VALUES)
    by_kind = {(one["kind"], one["metadata"]["name"]): one for one in found}
    assert sorted(kind for kind, _ in by_kind) == [
        "ConfigMap", "Deployment", "Deployment", "Ingress", "PodDisruptionBudget", "Service",
    ]  # fmt: skip
    server = by_kind["Deployment", "acme-tocsin"]["spec"]
    service = by_kind["Service", "acme-tocsin"]["spec"]
    labels = server["template"]["metadata"]["labels"].items()
    for selector in (
        server["selector"]["matchLabels"],
        service["selector"],
        by_kind["PodDisruptionBudget", "acme-tocsin"]["spec"]["selector"]["matchLabels"],
    ):
        assert selector.items() <= labels
        assert selector["app.kubernetes.io/component"] == "server"  # never the sentinel
    container = server["template"]["spec"]["containers"][0]
    assert container["ports"][0]["name"] == service["ports"][0]["targetPort"]
    settings = load(by_kind["ConfigMap", "acme-tocsin"]["data"])
    assert settings.port == container["ports"][0]["containerPort"]
    assert settings.last_resort == ("ntfy://ntfy.sh/x",)
    assert settings.trusted_proxies == Settings().trusted_proxies  # nobody is believed unasked
    [watching] = sentinel_of(found)["containers"]
    assert watching["args"].count("--contact") == 2
    assert "http://acme-tocsin:80" in watching["args"]
    assert {one["httpGet"]["scheme"] for one in probes(container)} == {"HTTP"}


def sentinel_of(found: list[dict[str, Any]]) -> dict[str, Any]:
    [watching] = [one for one in found if one["metadata"]["name"] == "acme-tocsin-sentinel"]
    spec: dict[str, Any] = watching["spec"]["template"]["spec"]
    return spec


def probes(container: dict[str, Any]) -> list[dict[str, Any]]:
    return [found for name, found in container.items() if name.endswith("Probe")]


def test_the_sentinel_of_the_chart_gets_what_each_kind_of_contact_needs(
    renderer: Path, tmp_path: Path
) -> None:
    given = "{TOCSIN_MAIL_FROM: t@example.org, TOCSIN_TWILIO_ACCOUNT: AC1, TOCSIN_TWILIO_FROM: '+44'}"
    values = VALUES.replace('{TOCSIN_LAST_RESORT: "ntfy://ntfy.sh/x"}', given)
    [watching] = sentinel_of(rendered(renderer, tmp_path, values))["containers"]
    sources = {one["name"]: one["valueFrom"] for one in watching["env"]}
    secret = {"secretKeyRef": {"name": "tocsin", "key": "TOCSIN_SMTP_URL", "optional": True}}
    assert sources["TOCSIN_SMTP_URL"] == secret
    config = {"configMapKeyRef": {"name": "acme-tocsin", "key": "TOCSIN_TWILIO_ACCOUNT"}}
    assert sources["TOCSIN_TWILIO_ACCOUNT"] == config
    taken = {one.envvar for one in sentinel.params if isinstance(one.envvar, str)}
    assert set(sources) == taken - {"TOCSIN_LAST_RESORT"}  # it does not watch the database
    assert watching["args"][-2:] == ["--mail-from", "t@example.org"]


def test_with_a_certificate_the_chart_asks_by_https(renderer: Path, tmp_path: Path) -> None:
    values = VALUES.replace("settings: {", "settings: {TOCSIN_TLS_CERT: /tls/crt, ")
    found = rendered(renderer, tmp_path, values)
    [server] = [one for one in found if one["metadata"]["name"] == "acme-tocsin"
                and one["kind"] == "Deployment"]  # fmt: skip
    container = server["spec"]["template"]["spec"]["containers"][0]
    assert {one["httpGet"]["scheme"] for one in probes(container)} == {"HTTPS"}
    assert "https://acme-tocsin:80" in sentinel_of(found)["containers"][0]["args"]


@pytest.mark.parametrize("missing", ["url", "secretName", "image"])
def test_the_chart_says_what_must_be_given(
    renderer: Path, tmp_path: Path, missing: str
) -> None:
    values = {k: v for k, v in yaml.safe_load(VALUES).items() if k != missing}
    file = tmp_path / "values.yaml"
    file.write_text(yaml.safe_dump(values))
    done = subprocess.run(
        [renderer, CHART, "acme", file], capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert missing in done.stderr

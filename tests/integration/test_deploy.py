"""What runs the bot elsewhere: the systemd unit, the compose file and the image, read as their programs read them."""

import asyncio
import json
import re
import shutil
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from ruamel.yaml import YAML

from bot import roles
from bot.config.reading import Settings, read_config
from bot.web.site import Site
from tests import image
from tests.builders import NOW
from tests.fakes.front import FakeFront, nothing_sent
from tests.fakes.vitals import FakeVitals

ROOT = Path(__file__).resolve().parents[2]
UNITS = {"run": ROOT / "deploy" / "qasedak.service", "worker": ROOT / "deploy" / "qasedak-worker@.service"}
SETTINGS = {str(field.validation_alias) for field in Settings.model_fields.values()}


@pytest.fixture
def compose() -> Any:
    return YAML(typ="safe").load(ROOT / "deploy" / "compose.yaml")


@pytest.mark.parametrize("command", UNITS)
def test_the_unit_waits_for_ready_is_watched_and_knows_what_not_to_try_again(command: str) -> None:
    unit = ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment, method-assign]  # names keep their case
    unit.read(UNITS[command])
    service = unit["Service"]
    assert (service["Type"], service["RestartPreventExitStatus"]) == ("notify", "2")
    assert int(service["WatchdogSec"]) > 0
    assert service["ExecStart"].endswith(f"/qasedak {command}")
    assert service["ExecReload"].endswith("kill -HUP $MAINPID")
    assert int(service["TimeoutStopSec"]) > 20
    assert {name for name, _, _ in (pair.partition("=") for pair in service["Environment"].split())} <= SETTINGS
    for wall in ("NoNewPrivileges", "DynamicUser", "PrivateTmp", "PrivateDevices", "MemoryDenyWriteExecute"):
        assert service[wall] == "yes"
    assert (service["ProtectSystem"], service["CapabilityBoundingSet"]) == ("strict", "")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
@pytest.mark.parametrize("command", UNITS)
def test_systemd_itself_finds_nothing_wrong_with_the_unit(command: str) -> None:
    unit = UNITS[command]
    ended = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False, timeout=30)
    complaints = [line for line in ended.stderr.splitlines() if "is not executable" not in line]
    assert complaints == []
    # Exposure from 0 to 100, as docs/operations.md says it.
    exposed = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=15", unit],
        capture_output=True, text=True, check=False, timeout=30,
    )  # fmt: skip
    assert exposed.returncode == 0 or "unrecognized option" in exposed.stderr, exposed.stdout[-2000:]


def test_the_compose_file_waits_for_its_database_and_opens_nothing_to_the_world(compose: Any) -> None:
    bot, database = compose["services"]["bot"], compose["services"]["database"]
    assert bot["environment"].keys() <= SETTINGS
    assert bot["depends_on"] == {"database": {"condition": "service_healthy"}}
    assert "healthcheck" in database
    assert bot["environment"]["DATABASE_URL"].startswith("postgresql://qasedak:${POSTGRES_PASSWORD:?")
    assert bot["environment"]["QASEDAK_HTTP_TOKEN"].startswith("${QASEDAK_HTTP_TOKEN:?")
    assert all(port.startswith("127.0.0.1:") for port in bot["ports"])
    assert "ports" not in database
    assert (bot["read_only"], bot["cap_drop"]) == (True, ["ALL"])
    for service in (bot, database):
        for volume in service["volumes"]:
            source = volume.partition(":")[0]
            assert source in compose["volumes"] or (ROOT / "deploy" / source).exists()
    assert (ROOT / "deploy" / bot["build"]["context"] / "Dockerfile").is_file()


def test_three_workers_share_the_database_and_leave_people_and_pages_to_the_bot(compose: Any) -> None:
    workers = YAML(typ="safe").load(ROOT / "deploy" / "compose.workers.yaml")["services"]
    bot, worker = workers["bot"], workers["worker"]
    assert (worker["command"], worker["deploy"]["replicas"]) == (["qasedak", "worker"], 3)
    parts = [roles.read(service["environment"]["QASEDAK_ROLES"]) for service in (bot, worker)]
    assert (parts[0] | parts[1], parts[0] & parts[1]) == (roles.EVERYTHING, frozenset())
    alone = compose["services"]["bot"]
    assert worker["environment"].keys() <= SETTINGS
    assert worker["environment"]["DATABASE_URL"] == alone["environment"]["DATABASE_URL"]
    assert "ports" not in worker
    for wall in ("read_only", "cap_drop", "security_opt", "stop_grace_period", "depends_on", "build"):
        assert worker[wall] == alone[wall], wall


def test_the_image_is_made_of_what_its_steps_copy(tmp_path: Path) -> None:
    """The short form of ``make image-by-hand``: every step but the installation, and a wheel in its place."""
    building, final = image.steps()
    stages = {"build": image.Stage(tmp_path / "build"), "final": image.Stage(tmp_path / "final")}
    for step in building:
        if step.name != "RUN":
            image.take(step, stages["build"], stages)
    (install,) = [step.words for step in building if step.name == "RUN"]
    assert subprocess.run(["/bin/sh", "-n", "-c", install], check=False).returncode == 0
    assert "--require-hashes" in install
    subprocess.run(
        [sys.executable, "-m", "flit_core.wheel", "--outdir", str(tmp_path)],
        cwd=stages["build"].at("."), env={"SOURCE_DATE_EPOCH": "1800000000"}, check=True, capture_output=True,
    )  # fmt: skip
    (wheel,) = tmp_path.glob("*.whl")
    inside = {path for path in ZipFile(wheel).namelist() if path.startswith("bot/")}
    assert {"bot/templates/status.css", "bot/locales/fa/LC_MESSAGES/qasedak.po", "bot/cli/__init__.py"} <= inside
    assert not any("__pycache__" in path for path in inside)
    stages["build"].at("/opt/qasedak").mkdir(parents=True)  # what the step that was left out makes
    for step in final:
        if step.name != "RUN":
            image.take(step, stages["final"], stages)
    shown = stages["final"]
    assert (shown.user, shown.volumes, shown.command) == ("qasedak", ["/data"], ["qasedak", "run"])
    assert shown.environment.keys() - {"PATH", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"} <= SETTINGS
    assert shown.environment["DATABASE_URL"].startswith(f"sqlite:///{shown.volumes[0]}/")
    # The sample that is copied is one that runs: its archive came along.
    assert read_config(shown.at("feeds.yaml"), environment={}, with_token=False).feeds
    assert image.user_id() >= 1000


def test_the_image_has_what_postgresql_needs() -> None:
    steps = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    (lock,) = re.findall(r"--require-hashes -r (\S+)", steps)
    assert "psycopg-binary==" in (ROOT / lock).read_text(encoding="utf-8")


async def test_the_health_check_of_the_image_tells_a_bot_that_answers_from_one_that_does_not() -> None:
    (written,) = re.findall(
        r"HEALTHCHECK .*?CMD (\[.*?\])$", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )
    _python, *arguments = json.loads(written)

    async def check(port: int) -> bool:
        environment = {"QASEDAK_HTTP_PORT": str(port)}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-S", *arguments, env=environment, stderr=asyncio.subprocess.DEVNULL
        )
        return await process.wait() == 0

    async def nothing(_channel: str, _template: str) -> list[Any]:
        return []

    site = Site(
        channels={},
        load=nothing,
        titles={},
        is_preview=True,
        token="x",
        now=lambda: NOW,
        vitals=FakeVitals(False),
        front=FakeFront(),
        load_sent=nothing_sent,
    )
    port = await site.start("127.0.0.1", 0)
    assert await check(port)
    await site.stop()
    assert [await check(port), await check(0)] == [False, True]

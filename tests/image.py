"""The image without a container engine: the Dockerfile's steps by hand, in folders that stand for its stages.

``python -m tests.image`` (``make image-by-hand``) runs all of them, pip included, then starts what ``CMD`` says as the
image would: as its user, on a file system that is read-only but for ``/data`` and ``/tmp``. A short form is in
``tests/integration/test_deploy.py``.
"""

import fnmatch
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
#: Absolute folders of the image; each stage has its own below its root.
_FOLDERS = re.compile(r"(?<![\w.])(/(?:opt|app|data|build)(?![\w]))")
PORT, TOKEN = 18_765, "by-hand"


@dataclass(frozen=True, slots=True)
class Step:
    """One instruction."""

    name: str
    words: str


@dataclass(slots=True)
class Stage:
    """What an instruction of a stage leaves behind."""

    root: Path
    workdir: str = "/"
    environment: dict[str, str] = field(default_factory=dict)
    user: str = "root"
    volumes: list[str] = field(default_factory=list)
    health: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    stop_signal: str = "SIGTERM"

    def at(self, path: str) -> Path:
        """Where a path of the stage is on this machine."""
        return self.root / os.path.join(self.workdir, path).lstrip("/")

    def here(self, text: str) -> str:
        """A text with the stage's folders in the place of the image's."""
        return _FOLDERS.sub(lambda found: f"{self.root}{found[1]}", text)


def steps() -> list[list[Step]]:
    """The Dockerfile's instructions by stage; comments left out, lines that go on joined."""
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    stages: list[list[Step]] = []
    for line in re.sub(r"\\\n\s*", " ", text).splitlines():
        name, _, words = line.strip().partition(" ")
        if name == "FROM":
            stages.append([])
        if name:
            stages[-1].append(Step(name, words.strip()))
    return stages


def ignored() -> list[str]:
    """What stays out of the build."""
    return (ROOT / ".dockerignore").read_text(encoding="utf-8").split()


def take(step: Step, stage: Stage, stages: Mapping[str, Stage]) -> None:
    """Do what an instruction says, but for ``RUN``."""
    match step.name:
        case "FROM" | "EXPOSE":
            pass
        case "WORKDIR":
            stage.workdir = step.words
            stage.at(".").mkdir(parents=True, exist_ok=True)
        case "ENV":
            stage.environment |= dict(word.split("=", 1) for word in shlex.split(step.words))
        case "USER":
            stage.user = step.words
        case "VOLUME":
            stage.volumes.append(step.words)
            stage.at(step.words).mkdir(parents=True, exist_ok=True)
        case "STOPSIGNAL":
            stage.stop_signal = step.words
        case "CMD":
            stage.command = json.loads(step.words)
        case "HEALTHCHECK":
            stage.health = json.loads(step.words.partition("CMD ")[2])
        case "COPY":
            _copy(step.words, stage, stages)
        case _:
            raise ValueError(f"the Dockerfile has an instruction that nobody tries: {step.name}")


def _copy(words: str, stage: Stage, stages: Mapping[str, Stage]) -> None:
    *sources, to = [word for word in words.split() if not word.startswith("--from=")]
    origin = re.search(r"--from=(\w+)", words)
    for source in sources:
        found = stages[origin[1]].at(source) if origin else ROOT / source
        target = stage.at(to) / found.name if to.endswith("/") else stage.at(to)
        target.parent.mkdir(parents=True, exist_ok=True)
        if found.is_dir():
            left = shutil.ignore_patterns(*(each.rpartition("/")[2] for each in ignored()))
            shutil.copytree(found, target, symlinks=True, ignore=None if origin else left)
        elif not any(fnmatch.fnmatch(source, each) for each in ignored()):
            shutil.copy(found, target)


# --- the long form -------------------------------------------------------------------------------------------------


def build(folder: Path) -> Stage:
    """Run every step of every stage; the last stage."""
    known: dict[str, Stage] = {}
    stage = Stage(folder)
    for number, instructions in enumerate(steps()):
        stage = Stage(folder / str(number))
        for step in instructions:
            print(f"{number}: {step.name} {step.words[:90]}", flush=True)
            if step.name != "RUN":
                take(step, stage, known)
            elif "useradd" in step.words:  # its number is what the image needs of it
                stage.at("/data").mkdir(parents=True)
            else:
                # The second stage has the first one's environment at the same path, as in the image.
                subprocess.run(["/bin/sh", "-ec", stage.here(step.words)], cwd=stage.at("."), check=True)
        name = re.search(r" AS (\w+)", instructions[0].words)
        known[name[1] if name else str(number)] = stage
    return stage


def user_id() -> int:
    """The number of the image's user."""
    (found,) = re.findall(r"useradd .*--uid (\d+)", (ROOT / "Dockerfile").read_text(encoding="utf-8"))
    return int(found)


@contextmanager
def running(stage: Stage) -> Iterator[subprocess.Popen[bytes]]:
    """``CMD`` as the image's user; nothing can be written but the volume and a new ``/tmp``."""
    volume = stage.at(stage.volumes[0])
    os.chown(volume, user_id(), user_id())
    # To read this machine's Python, wherever it is installed, is all that the user may do beyond its own.
    as_user = (
        f"setpriv --reuid={user_id()} --regid={user_id()} --clear-groups --no-new-privs "
        "--inh-caps=-all,+dac_read_search --ambient-caps=-all,+dac_read_search --bounding-set=-all,+dac_read_search"
    )
    script = (
        f"mount --bind {volume} {volume}; mount -o remount,bind,ro /; mount -t tmpfs tmpfs /tmp; "
        f"cd {stage.at('.')}; exec {as_user} {shlex.join(stage.command)}"
    )
    process = subprocess.Popen(
        ["unshare", "--mount", "/bin/sh", "-ec", script], env=variables(stage), stderr=subprocess.PIPE
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def variables(stage: Stage) -> dict[str, str]:
    """The image's environment, and what ``docker run`` of its first comment adds."""
    own = {name: stage.here(value) for name, value in stage.environment.items()}
    own["PATH"] = own["PATH"].replace("$PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
    return own | {"QASEDAK_HTTP_HOST": "0.0.0.0", "QASEDAK_HTTP_TOKEN": TOKEN, "QASEDAK_HTTP_PORT": str(PORT)}


def _answer(path: str) -> int:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{PORT}{path}", timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def main() -> None:
    """All of it; what goes wrong ends it."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        stage = build(Path(folder))
        Path(folder).chmod(0o755)
        with running(stage) as process:
            health = [str(stage.at("/opt/qasedak/bin/python")), *stage.health[1:]]
            deadline = time.monotonic() + 60
            while subprocess.run(health, env=variables(stage), capture_output=True, check=False).returncode:
                if process.poll() is not None or time.monotonic() > deadline:
                    process.kill()
                    sys.exit(f"it does not answer: {(process.stderr.read() if process.stderr else b'').decode()}")
                time.sleep(0.2)
            uid = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8").partition("Uid:")[2].split()[0]
            print(f"healthy; uid {uid}; / with token {_answer('/?token=' + TOKEN)}, without {_answer('/')}")
            assert (uid, _answer(f"/?token={TOKEN}"), _answer("/")) == (str(user_id()), 200, 403)
            began = time.monotonic()
            process.send_signal(signal.Signals[stage.stop_signal])
            code = process.wait(timeout=25)
            print(f"{stage.stop_signal}: exit code {code} after {time.monotonic() - began:.1f} s")
            assert code == 0
        print("in the volume:", sorted(path.name for path in stage.at("/data").iterdir()))
        assert stage.at("/data/qasedak.db").is_file()


if __name__ == "__main__":
    if os.getuid() != 0 or not shutil.which("unshare") or not shutil.which("setpriv"):
        sys.exit("it needs root, unshare and setpriv, to stand for an engine")
    main()

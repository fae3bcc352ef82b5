"""What a bug report needs, gathered from an installation in whatever state it is, without its secrets.

Every part is written as well as it goes: where the environment, feeds.yaml or the database is broken, the part says so
and the others stay. Changes nothing. Called by ``qasedak doctor``, which writes the parts into one file.
"""

import glob
import json
import os
import platform
import re
import sqlite3
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bot import __version__, standing
from bot.config.reading import Config, Settings, read_config, variables_beside
from bot.errors import BotError, ConfigError
from bot.redaction import PERSON, Redactor, without_headers, without_quotations
from bot.storage import census, overview, reports, status
from bot.storage.database import HEAD, Database

#: Settings whose values are secrets; of others the value is told.
SECRET = ("token", "http_token", "webhook_secret", "ping_url", "database_url")
NOTICES, TROUBLES = 50, 200
MOST_FILES, MOST_CHARS = 50, 200_000

ABOUT = """\
What qasedak doctor gathered for a bug report. Tokens, passwords, headers, values of parameters in addresses, ids of
people and whatever feeds.yaml takes from the environment were taken out, and neither titles nor texts of posts are in
here. Read it all the same before you send it: a key within the path of an address cannot be told from a path.
"""

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


@dataclass(slots=True)
class Patient:
    """What could be read of an installation."""

    path: Path
    variables: Mapping[str, str] = field(default_factory=dict)
    settings: Settings | None = None
    config: Config | None = None
    problems: list[str] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)  #: feeds.yaml and what it imports


def gather(read_settings: Callable[[], Settings], now: datetime) -> dict[str, str]:
    """The parts of the bundle, by the names of their files."""
    patient = _look(read_settings)
    parts: dict[str, Any] = {
        "about.txt": ABOUT,
        "versions.json": _versions(),
        "settings.json": _settings(patient),
        "check.txt": "\n".join(patient.problems or ["feeds.yaml and the environment are fine."]) + "\n",
        **{f"configuration/{name}": without_headers(text) for name, text in patient.files.items()},
    }
    people: set[int] = set(patient.config.admins) if patient.config else set()
    people |= {patient.config.admin_chat} if patient.config and patient.config.admin_chat else set()
    if patient.settings is not None:
        parts |= _stored(patient.settings, people, now)
    redactor = Redactor(_secrets(patient), people)
    return {name: _text(redactor.clean_all(part)) for name, part in parts.items()}


def _text(part: Any) -> str:
    return part if isinstance(part, str) else json.dumps(part, indent=1, ensure_ascii=False, default=str) + "\n"


def _look(read_settings: Callable[[], Settings]) -> Patient:
    patient = Patient(Path(os.environ.get("QASEDAK_CONFIG") or "feeds.yaml"))
    try:
        patient.variables = variables_beside(patient.path)
        patient.settings = read_settings()
    except ConfigError as error:
        patient.problems += error.problems
    try:
        token = patient.settings.token if patient.settings else None
        patient.config = read_config(patient.path, environment=patient.variables, with_token=token is not None)
        patient.problems += [*patient.config.refused, *patient.config.notes]
    except ConfigError as error:
        patient.problems += error.problems
    for path in list(_files(patient))[:MOST_FILES]:
        try:
            text = path.read_text(encoding="utf-8", errors="replace")
        except OSError as error:
            text = f"# cannot be read ({error.strerror})\n"
        patient.files[os.path.relpath(path, patient.path.parent).replace("..", "_")] = text[:MOST_CHARS]
    return patient


def _files(patient: Patient) -> Iterator[Path]:
    yield patient.path
    for pattern in patient.config.files[1:] if patient.config else ():
        yield from (Path(found) for found in sorted(glob.glob(pattern, recursive=True)) if os.path.isfile(found))


def _secrets(patient: Patient) -> Iterator[str]:
    """All that nobody else may know: of the environment, of .env, and of feeds.yaml."""
    for name, part in Settings.model_fields.items():
        value = patient.variables.get(str(part.validation_alias))
        if value and name in SECRET:
            yield from (value, *_keys_of(value))
    if token := patient.variables.get("TELEGRAM_BOT_TOKEN"):
        yield token.partition(":")[2]
    for text in patient.files.values():
        yield from (patient.variables[name] for name in _VARIABLE.findall(text) if patient.variables.get(name))
    for feed in patient.config.feeds if patient.config else ():
        yield from feed.headers.values()
        yield from _keys_of(feed.url)


def _keys_of(address: str) -> Iterator[str]:
    """User name and password, and the values of parameters."""
    try:
        parts = urlsplit(address)
        credentials = parts.netloc.rpartition("@")[0]
    except ValueError:
        return
    yield from (each for each in (credentials, credentials.partition(":")[2]) if each)
    yield from (found for found in re.findall(r"=([^&;]+)", parts.query) if len(found) >= 8)


def _versions() -> dict[str, Any]:
    wanted = sorted({re.split(r"[^A-Za-z0-9_.-]", each)[0] for each in metadata.requires("qasedak") or ()})
    found = {}
    for name in wanted:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return {
        "qasedak": __version__,
        "schema": HEAD,
        "python": sys.version,
        "platform": platform.platform(),
        "sqlite": sqlite3.sqlite_version,
        "packages": found,
    }


def _settings(patient: Patient) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for name, part in Settings.model_fields.items():
        alias = str(part.validation_alias)
        is_set = alias in patient.variables
        if name in SECRET or patient.settings is None:
            told[alias] = "set" if is_set else "not set"
        else:
            told[alias] = getattr(patient.settings, name)
    return told


def _stored(settings: Settings, people: set[int], now: datetime) -> dict[str, Any]:
    """What the database says; *people* are those whom it names."""
    bot_id = int((settings.token or "0").partition(":")[0])
    try:
        database = Database(settings.database_url)
    except ConfigError as error:
        return {"database.json": {"problem": str(error)}}
    facts: dict[str, Any] = {"database": database.name}
    parts: dict[str, Any] = {}
    try:
        facts |= {"revision": database.revision(), "expected": HEAD}
        database.require_current()
        facts |= database.read_now(census.server) | {"size_bytes": database.read_now(overview.size_bytes)}
        facts["rows"] = database.read_now(census.rows)
        people |= database.read_now(reports.admin_ids) | database.read_now(census.private_chats)
        found = database.read_now(status.load, bot_id, now)
        parts["status.json"] = standing.as_json(found, standing.late(found, now))
        lines = [
            f"{each.at:%Y-%m-%d %H:%M:%S}Z  {each.text}" for each in database.read_now(overview.last_notices, NOTICES)
        ]
        parts["notices.txt"] = without_quotations("\n".join(lines)) + "\n"
        troubles = [asdict(each) for each in database.read_now(overview.troubles, bot_id, TROUBLES)]
        for each in troubles:
            del each["title"]
            each["error"] = without_quotations(each["error"])
            each["channel"] = PERSON if each["channel"].isdigit() else each["channel"]  # a subscriber's own chat
        parts["deliveries.json"] = troubles
    except BotError as error:
        facts["problem"] = str(error)
    finally:
        database.dispose()
    return {"database.json": facts, **parts}

"""``doctor``: what a bug report needs, in one file."""

import os
import zipfile
from pathlib import Path
from typing import Annotated

import typer

from bot import doctor
from bot.cli.terminal import KEEP, cli, now, say
from bot.config.reading import read_settings
from bot.errors import ConfigError


@cli.command("doctor", rich_help_panel=KEEP)
def bundle(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A new zip file.")],
) -> None:
    """Gather what a bug report needs into one file, without secrets; works when nothing else does."""
    parts = doctor.gather(read_settings, now())
    try:
        number = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(number, "wb") as opened, zipfile.ZipFile(opened, "w", zipfile.ZIP_DEFLATED) as bundled:
            for name, text in parts.items():
                bundled.writestr(name, text)
    except FileExistsError:
        raise ConfigError(f"{file}: is there already; name a new file") from None
    except OSError as error:
        raise ConfigError(f"{file}: cannot be written ({error.strerror}); name another file") from error
    typer.echo(f"{file}: {len(parts)} parts")
    say("Secrets were taken out; read it all the same before you send it.")

"""Which files a pattern names, and which of them lie elsewhere. A leaf: it looks at names and links alone."""

import glob
import os
import re

_ESCAPED = re.compile(r"\[([*?[])\]")  #: what ``glob.escape`` makes of a sign that shall be one of a name


def files_of(pattern: str) -> list[str]:
    """What *pattern* names. A path with brackets in its name is a path before it is a pattern."""
    return [pattern] if os.path.exists(pattern) else glob.glob(pattern, recursive=True)


def stray(pattern: str, names: list[str]) -> str | None:
    """The first of *names* that a link leads out of the folder which *pattern* speaks of; None where none does.

    Whoever may put a file into that folder could have any file of this machine published. Who names a file without
    wildcards means that file, wherever it lies.
    """
    folder = pattern
    while glob.has_magic(_ESCAPED.sub("", folder)):
        folder = os.path.dirname(folder)
    if names == [pattern] or folder == pattern:
        return None
    home = os.path.join(os.path.realpath(_ESCAPED.sub(r"\1", folder)), "")
    return next((name for name in sorted(names) if not os.path.realpath(name).startswith(home)), None)

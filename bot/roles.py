"""What a process does: the four roles of ``QASEDAK_ROLES``. A leaf; who does what for a role, ``loops.py`` and
``app.py`` say.
"""

from collections.abc import Iterable
from enum import StrEnum


class Role(StrEnum):
    """A part of the work that a process may leave to others."""

    POLL = "poll"  #: reads feeds and archives, and keeps what was read in order
    DELIVER = "deliver"  #: sends, and makes the digests and replays that are sent
    ANSWER = "answer"  #: talks with people
    WEB = "web"  #: pages, and the door at which webhooks arrive


#: What ``run`` does, and ``worker``, where ``QASEDAK_ROLES`` says nothing.
EVERYTHING = frozenset(Role)
OF_WORKERS = frozenset({Role.POLL, Role.DELIVER})


def read(text: str) -> frozenset[Role]:
    """The roles named in *text*, with commas or spaces between them.

    Raises: ValueError.

    >>> sorted(read("deliver, poll"))
    [<Role.DELIVER: 'deliver'>, <Role.POLL: 'poll'>]
    """
    named = text.replace(",", " ").split()
    if not named:
        raise ValueError("no role")
    return frozenset(Role(name) for name in named)


def written(roles: Iterable[Role]) -> str:
    """Roles as ``QASEDAK_ROLES`` names them, in the order of the path of a post."""
    return ", ".join(role for role in Role if role in frozenset(roles))

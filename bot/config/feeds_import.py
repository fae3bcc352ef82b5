"""Feeds of a list, to stand in feeds.yaml: under which names, which of them are new, and how they get there.

Called by ``qasedak opml import``. ``opml.py`` read the list, ``feeds_edit.py`` writes the lines; a file with mistakes
is never written to.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from pathlib import Path

from bot.config.feeds_edit import NewFeed, name_for, replace_file, with_feeds
from bot.config.opml import Outline
from bot.config.reading import Config
from bot.config.yaml_values import LONGEST_SPAN, SHORTEST_INTERVAL
from bot.errors import ConfigError
from bot.model import Feed, FeedKind

#: A name that reads well in a file and a command.
_NAME = re.compile(r"[^\W_][\w-]{0,31}")
DEFAULT_INTERVAL = Feed("", FeedKind.HTTP, "").every


def new_feeds(outlines: Iterable[Outline], config: Config, to: Sequence[str]) -> tuple[list[NewFeed], list[str]]:
    """Those of the list that feeds.yaml does not have, with names of their own; and in words, those that it has."""
    names = {feed.name for feed in config.feeds}
    by_address = {feed.url: feed.name for feed in config.feeds}
    added, known = [], []
    for outline in outlines:
        url = outline.url.replace("{", "%7B").replace("}", "%7D")  # as feeds_edit.py writes it
        if url in by_address:
            known.append(f"{by_address[url]}: is in {config.path} already")
            continue
        name = outline.name if outline.name and _NAME.fullmatch(outline.name) else None
        if name is None or name in names:
            name = name_for(outline.title or name, url, names)
        names.add(name)
        by_address[url] = name
        added.append(NewFeed(name, url, tuple(to), outline.title, _interval(outline)))
    return added, known


def _interval(outline: Outline) -> timedelta | None:
    """What was written, where it may stand in feeds.yaml and says something."""
    if outline.every is None or not SHORTEST_INTERVAL <= outline.every <= LONGEST_SPAN:
        return None
    return outline.every if outline.every != DEFAULT_INTERVAL else None


def write(config: Config, added: Sequence[NewFeed], read: Callable[[Path], Config]) -> None:
    """Put the feeds into the file of *config*; ``read`` reads a file as the program would at its start.

    Raises: ConfigError; then the file is as it was.
    """
    path = config.path
    try:
        text = path.read_bytes().decode("utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); add the feeds by hand") from error

    def check(beside: Path) -> None:
        """The new file has the old one's feeds and channels, and these feeds."""
        then = read(beside)
        before, after = ({feed.name: feed for feed in file.feeds} for file in (config, then))
        found = {feed.name: after.pop(feed.name).url for feed in added if feed.name in after}
        is_meant = found == {feed.name: feed.url for feed in added} and before == after
        if not is_meant or config.channels != then.channels:
            raise ConfigError(f"{path}: has a form in which no feed can be added; add them by hand")

    replace_file(path, with_feeds(text, added), check)

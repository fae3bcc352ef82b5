"""The library `reader` as a side of the polling benchmark; runs in the environment of the peers.

It stores what it reads, as we do. Parameters and lines as of ``our_poller.py``.
"""

import sys
from pathlib import Path

from reader import make_reader

from tests.bench.origin_address import address


def main(folder: Path, port: int, count: int) -> None:
    reader = make_reader(str(folder / "reader.db"))
    for number in range(count):
        reader.add_feed(address(number, port))
    print("ready", flush=True)
    while sys.stdin.readline():
        reader.update_feeds(scheduled=False)
        broken = [feed.last_exception for feed in reader.get_feeds(broken=True)]
        assert not broken, broken[0]
        print("done", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:4]))

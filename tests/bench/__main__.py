"""`make bench`: what we cost, as a ratio against a peer in the same run. No verdict, no timed test.

Absolute figures of a shared machine mean little; the ratio of two things measured in one run means something.
"""

import argparse
from datetime import UTC, datetime

from tests.bench import message, polling

parser = argparse.ArgumentParser(prog="python -m tests.bench", description="What we cost, against peers.")
parser.add_argument("--quick", action="store_true", help="fewer feeds: half a minute, and figures to be doubted")
options = parser.parse_args()
print(f"{datetime.now(UTC):%Y-%m-%d}")
message.measure()
if options.quick:
    polling.compare(50, 20)
    polling.scale([50, 150])
else:
    polling.compare(1000, 100)
    polling.scale([1000, 3000, 10_000])

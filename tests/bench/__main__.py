"""`make bench`: what we cost, as a ratio against a peer in the same run. No verdict, no timed test.

Absolute figures of a shared machine mean little; the ratio of two things measured in one run means something.
"""

import argparse
from datetime import UTC, datetime

from tests.bench import delivering, message, polling, rendering, scaling

parser = argparse.ArgumentParser(prog="python -m tests.bench", description="What we cost, against peers.")
parser.add_argument("--quick", action="store_true", help="fewer feeds: half a minute, and figures to be doubted")
parser.add_argument(
    "--only", choices=("message", "delivering", "rendering", "polling", "scaling"), help="one part alone"
)
options = parser.parse_args()
print(f"{datetime.now(UTC):%Y-%m-%d}")
if options.only in (None, "message"):
    message.measure()
if options.only in (None, "delivering"):
    delivering.measure(10_000 if options.quick else 100_000)
if options.only in (None, "rendering"):
    rendering.compare(200 if options.quick else 1000)
if options.only in (None, "polling"):
    polling.compare(*((50, 20) if options.quick else (1000, 100)))
    polling.scale([50, 150] if options.quick else [1000, 3000, 10_000])
if options.only in (None, "scaling"):
    scaling.measure(*((200, 20) if options.quick else (5_000, 200)))

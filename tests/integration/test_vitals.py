"""Whether the process is well: one truth for /readyz, the ping, the watchdog and the metrics."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
import structlog
from prometheus_client.parser import text_string_to_metric_families

from bot import metrics
from bot.errors import FetchError, RetryLater
from bot.storage import status
from bot.supervisor import Supervisor
from bot.vitals import BEAT, PING_EVERY, Vitals, allowed
from tests.builders import NOW, a_subscription, an_entry
from tests.stage import Stage

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
LOOPS = {"poll": SECOND, "deliver": SECOND}
PING = "https://hc.example/ping/3f-secret-path"


@dataclass
class Watching(Supervisor):
    """A supervisor that remembers."""

    heard: list[str] = field(default_factory=list)
    pulse_every = None

    def _tell(self, word: str) -> None:
        self.heard.append(word)


@dataclass
class Called:
    """Where pings arrive."""

    urls: list[str] = field(default_factory=list)
    fault: Exception | None = None

    async def __call__(self, url: str) -> None:
        self.urls.append(url)
        if self.fault:
            raise self.fault


def vitals(stage: Stage, supervisor: Supervisor | None = None, call: Called | None = None) -> Vitals:
    return Vitals(
        stage.database,
        stage.clock,
        bot_id=stage.sender.bot_id,
        supervisor=supervisor or Supervisor({}),
        ping_url=PING,
        call=call or Called(),
    )


async def go_round(feeling: Vitals, *, loops: Iterable[str] = LOOPS, well: bool = True) -> None:
    for name in loops:
        await feeling.ended(name, LOOPS[name], well=well)


async def test_it_is_ready_from_the_start_until_a_loop_is_later_than_its_schedule_allows(lite: Stage) -> None:
    feeling = vitals(lite)
    assert not await feeling.is_ready()
    await feeling.begin(LOOPS)
    assert await feeling.is_ready()
    lite.clock.advance(allowed(SECOND))
    assert await feeling.is_ready()
    lite.clock.advance(SECOND)
    assert [line.partition(":")[0] for line in await feeling.late()] == ["loop deliver", "loop poll"]
    await go_round(feeling)
    assert await feeling.is_ready()
    await feeling.end()
    assert not await feeling.is_ready()


async def test_a_loop_that_ends_badly_each_time_is_late(lite: Stage) -> None:
    feeling = vitals(lite)
    await feeling.begin(LOOPS)
    for _ in range(20):
        lite.clock.advance(10 * SECOND)
        await go_round(feeling, loops=["poll"])
        await go_round(feeling, loops=["deliver"], well=False)
    assert [line.partition(":")[0] for line in await feeling.late()] == ["loop deliver"]


async def test_a_slow_loop_has_as_long_as_its_own_schedule_says(lite: Stage) -> None:
    feeling = vitals(lite)
    await feeling.begin({"resume": 10 * MINUTE})
    lite.clock.advance(30 * MINUTE)
    assert await feeling.is_ready()
    lite.clock.advance(2 * MINUTE)
    assert not await feeling.is_ready()


async def test_a_quick_loop_is_put_down_twice_a_minute(lite: Stage) -> None:
    feeling = vitals(lite)
    await feeling.begin(LOOPS)
    written = set()
    for _ in range(60):
        lite.clock.advance(SECOND)
        await go_round(feeling)
        found = await lite.database.read(status.load, lite.sender.bot_id, lite.clock.now())
        written.add(found.loops["poll"].succeeded_at)
    assert sorted(written) == [NOW + SECOND, NOW + SECOND + BEAT]


async def test_updates_are_on_time_while_telegram_answers_the_question_for_them(lite: Stage) -> None:
    feeling = vitals(lite)
    await feeling.begin(LOOPS)
    for minute in range(8):
        lite.clock.advance(MINUTE)
        if minute < 4:
            feeling.heard()
        await feeling.note_updates()
        await go_round(feeling)
        assert await feeling.is_ready() is (minute < 7), minute
    assert [line.partition(":")[0] for line in await feeling.late()] == ["loop updates"]


async def test_a_database_that_does_not_answer_is_not_ready(lite: Stage) -> None:
    feeling = vitals(lite)
    await feeling.begin(LOOPS)
    await lite.database.write(lambda connection: connection.exec_driver_sql("DROP TABLE loops"))
    with structlog.testing.capture_logs() as logs:
        assert not await feeling.is_ready()
    assert [line["event"] for line in logs] == ["not ready"]


# --- the watchdog ----------------------------------------------------------------------------------------------


async def test_the_watchdog_is_fed_while_the_loops_go_round_also_where_each_pass_fails(lite: Stage) -> None:
    supervisor = Watching()
    feeling = vitals(lite, supervisor)
    await feeling.begin(LOOPS)
    lite.clock.advance(9 * MINUTE)
    await go_round(feeling, well=False)
    lite.clock.advance(9 * MINUTE)
    await feeling.watch()
    assert supervisor.heard == ["READY=1", "WATCHDOG=1"]
    lite.clock.advance(3 * MINUTE)
    with structlog.testing.capture_logs() as logs:
        await feeling.watch()
    assert supervisor.heard == ["READY=1", "WATCHDOG=1"]
    assert [(line["event"], line["loops"]) for line in logs] == [("loop hangs", ["deliver", "poll"])]
    await feeling.end()
    assert supervisor.heard[-1] == "STOPPING=1"


# --- the ping --------------------------------------------------------------------------------------------------


async def test_the_ping_goes_out_after_the_first_good_cycle_and_then_once_a_minute(lite: Stage) -> None:
    call = Called()
    feeling = vitals(lite, call=call)
    await feeling.begin(LOOPS)
    await feeling.ping()
    await go_round(feeling, loops=["poll"])
    await feeling.ping()
    assert call.urls == []
    await go_round(feeling, loops=["deliver"])
    await feeling.ping()
    assert call.urls == [PING]
    lite.clock.advance(PING_EVERY - SECOND)
    await feeling.ping()
    assert call.urls == [PING]
    lite.clock.advance(SECOND)
    await feeling.ping()
    assert call.urls == [PING, PING]


async def test_no_ping_goes_out_while_something_is_late(lite: Stage) -> None:
    call = Called()
    feeling = vitals(lite, call=call)
    await feeling.begin(LOOPS)
    await go_round(feeling)
    lite.clock.advance(5 * MINUTE)
    await feeling.ping()
    assert call.urls == []


async def test_a_ping_that_fails_harms_nothing_and_its_secret_path_is_not_logged(lite: Stage) -> None:
    feeling = vitals(lite, call=Called(fault=FetchError(f"{PING}: 404")))
    with structlog.testing.capture_logs() as logs:
        await feeling.ping_now()
    assert [line["event"] for line in logs] == ["ping failed"]
    assert "secret" not in str(logs)


# --- metrics ---------------------------------------------------------------------------------------------------


async def values_of(feeling: Vitals) -> dict[str, float]:
    text = (await feeling.exposition()).decode()
    return {
        sample.name + "".join(f" {value}" for value in sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_what_the_database_knows_is_a_gauge(lite: Stage) -> None:
    feeling = vitals(lite)
    await lite.adopt(a_subscription())
    await feeling.begin(LOOPS)
    await lite.read()
    lite.clock.advance(MINUTE)
    await lite.read(an_entry(1), an_entry(2))
    lite.clock.advance(MINUTE)
    found = await values_of(feeling)
    assert found["qasedak_feeds ok"] == 1
    assert found["qasedak_feeds failing"] == 0
    assert found["qasedak_queue pending"] == 2
    assert found["qasedak_loop_age_seconds poll"] == 120
    assert found["qasedak_lag_seconds reading"] == 60
    assert found["qasedak_lag_seconds sending"] == 60
    assert found["qasedak_late"] == len(await feeling.late()) == 2


async def test_latency_is_counted_from_published_to_sent(lite: Stage) -> None:
    feeling = vitals(lite)
    await lite.adopt(a_subscription())
    await lite.read()
    before = await values_of(feeling)
    await lite.read(an_entry(1, published=NOW - 10 * MINUTE), an_entry(2, published=NOW - 10 * MINUTE, date_only=True))
    await lite.deliver_until_idle(lite.outbox())
    after = await values_of(feeling)
    assert after["qasedak_latency_seconds_count"] - before["qasedak_latency_seconds_count"] == 1
    assert 600 <= after["qasedak_latency_seconds_sum"] - before["qasedak_latency_seconds_sum"] < 620


async def test_errors_of_the_bot_api_are_counted_by_class(lite: Stage) -> None:
    from telegram.error import RetryAfter

    from bot.sender import explain

    feeling = vitals(lite)
    before = (await values_of(feeling)).get("qasedak_api_errors_total RetryLater", 0)
    assert isinstance(explain(RetryAfter(3), 1), RetryLater)
    assert (await values_of(feeling))["qasedak_api_errors_total RetryLater"] == before + 1


async def test_every_metric_is_documented_and_every_documented_one_is_there(lite: Stage) -> None:
    feeling = vitals(lite)
    metrics.API_ERRORS.labels("RetryLater")
    metrics.polled(read=1, unchanged=0, failed=0, new=1, edited=0)
    await feeling.begin(LOOPS)
    text = (await feeling.exposition()).decode()
    there = {family.name for family in text_string_to_metric_families(text)}
    written = (Path(__file__).parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")
    documented = {name.removesuffix("_total") for name in re.findall(r"^\| `(qasedak_\w+)", written, re.MULTILINE)}
    assert there == documented


@pytest.mark.parametrize("name", ["poll", "deliver"])
async def test_a_job_that_is_no_loop_has_no_beat(name: str, lite: Stage) -> None:
    feeling = vitals(lite)
    await feeling.begin({name: SECOND})
    await feeling.ended("ping", SECOND, well=True)
    found = await lite.database.read(status.load, lite.sender.bot_id, lite.clock.now())
    assert set(found.loops) == {name}

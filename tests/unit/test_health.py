"""How a feed is, from reading to reading: the state machine of health.py, and its words."""

from datetime import timedelta

import pytest

from bot import health, labels
from bot.errors import BotError, FeedGone, FetchError, ParseError, StorageError
from bot.health import Change, FeedState, Health
from bot.manners import Rhythm
from bot.model import Language
from tests.builders import NOW

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
URL = "https://sky.example/feed"
NEW = "https://new.example/feed"
#: A feed that was read before, three times a day has something new, and had just now.
BUSY = Rhythm(NOW, DAY / 3)
KNOWN = FeedState(since=NOW - 9 * DAY, rhythm=BUSY)
DOWN, ODD, NOT_THERE = FetchError("down; wait", status=500), ParseError("odd"), FetchError("no", status=404)
GONE, NAMELESS = FeedGone("410", status=410), FetchError("no such host", is_unknown_host=True)


def _read(
    state: FeedState = KNOWN,
    after: timedelta = timedelta(),
    redirected_to: str | None = None,
    rhythm: Rhythm | None = None,
    *,
    is_republished: bool = False,
) -> FeedState:
    return health.after_reading(
        state, URL, redirected_to, rhythm or state.rhythm, NOW + after, is_republished=is_republished
    )


def _failed(state: FeedState, *errors: BotError, after: timedelta = timedelta(), every: timedelta = HOUR) -> FeedState:
    for number, error in enumerate(errors):
        state = health.after_failure(state, error, NOW + after + number * every)
    return state


# --- ok and failing ------------------------------------------------------------------------------------------


def test_the_third_failure_in_a_row_of_one_kind_is_failing() -> None:
    states = [_failed(KNOWN, *[error] * times).health for error in (DOWN, ODD) for times in (1, 2, 3)]
    assert states == [Health.OK, Health.OK, Health.FAILING] * 2
    assert _failed(KNOWN, DOWN, ODD, DOWN, ODD).health is Health.OK
    assert _failed(KNOWN, DOWN, ODD, DOWN, ODD, ODD).health is Health.FAILING


def test_a_first_reading_that_fails_is_failing_at_once() -> None:
    assert _failed(FeedState(), DOWN).health is Health.FAILING


def test_a_success_ends_all_failures() -> None:
    state = _read(_failed(KNOWN, *[ODD] * 5), after=DAY)
    assert (state.health, state.failures, state.parse_failures, state.failing_since) == (Health.OK, 0, 0, None)
    assert state.since == NOW + DAY


def test_what_could_not_be_stored_is_not_the_publisher_s_failure() -> None:
    assert _failed(KNOWN, *[StorageError("full")] * 9) == KNOWN


# --- gone ----------------------------------------------------------------------------------------------------


def test_410_is_believed_when_it_is_said_again_a_day_later() -> None:
    assert not _failed(KNOWN, GONE, GONE, GONE).gone
    again = _failed(KNOWN, GONE, GONE, every=DAY)
    assert (again.gone, again.health) == (True, Health.GONE)


@pytest.mark.parametrize("between", [DOWN, ODD], ids=["down", "odd"])
def test_another_answer_between_two_410_takes_the_first_back(between: BotError) -> None:
    assert not _failed(KNOWN, GONE, between, GONE, every=DAY).gone
    assert not _failed(_read(_failed(KNOWN, GONE)), GONE, after=DAY).gone


def test_refused_twenty_times_over_thirty_days_is_gone() -> None:
    assert not _failed(KNOWN, *[NOT_THERE] * 19, every=2 * DAY).gone
    assert not _failed(KNOWN, *[NOT_THERE] * 20, every=DAY).gone
    assert _failed(KNOWN, *[NOT_THERE] * 20, every=2 * DAY).gone


def test_other_failures_never_make_a_feed_gone() -> None:
    for error in (DOWN, ODD):
        assert not _failed(KNOWN, *[error] * 99, every=2 * DAY).gone
    # Nor do answers that were no feed count as refusals.
    assert not _failed(KNOWN, *[ODD] * 19, NOT_THERE, every=2 * DAY).gone


# --- moved ---------------------------------------------------------------------------------------------------


def test_a_proven_redirect_moves_the_feed() -> None:
    state = KNOWN
    for hours in (0, 12, 25):
        assert state.moved_to is None
        state = _read(state, hours * HOUR, NEW)
    assert (state.moved_to, state.health, state.trail) == (NEW, Health.MOVED, None)
    assert _read(state, 26 * HOUR).moved_to == NEW


@pytest.mark.parametrize("error", [NOT_THERE, GONE, NAMELESS], ids=["404", "410", "no-such-host"])
def test_an_address_that_dies_while_it_redirects_is_left_at_once(error: BotError) -> None:
    state = _failed(_read(KNOWN, redirected_to=NEW), error)
    assert (state.moved_to, state.health, state.failures) == (NEW, Health.MOVED, 0)


def test_one_that_is_only_down_is_not_left() -> None:
    assert _failed(_read(KNOWN, redirected_to=NEW), DOWN).moved_to is None


# --- silent and republished ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rhythm", "is_silent"),
    [
        (Rhythm(), False),
        (Rhythm(NOW - 900 * DAY), False),
        (Rhythm(NOW - 3 * DAY, HOUR), False),
        (Rhythm(NOW - 4 * DAY - HOUR, HOUR), True),
        (Rhythm(NOW - 11 * DAY, DAY), False),
        (Rhythm(NOW - 13 * DAY, DAY), True),
        (Rhythm(NOW - 13 * DAY, 7 * DAY), False),
    ],
)
def test_silence_is_measured_by_what_is_usual(rhythm: Rhythm, is_silent: bool) -> None:
    assert (_read(rhythm=rhythm).health is Health.SILENT) is is_silent


def test_a_republished_feed_is_so_until_the_next_reading() -> None:
    state = _read(is_republished=True)
    assert state.health is Health.REPUBLISHED
    assert _read(state).health is Health.OK


# --- what is told --------------------------------------------------------------------------------------------


def test_entering_a_state_is_told_once_and_so_is_leaving_it() -> None:
    told = []
    state = KNOWN
    for number, error in enumerate([DOWN] * 6):
        after = health.after_failure(state, error, NOW + number * HOUR)
        told.append(health.change("sky", state, after) is not None)
        state = after
    for _time in range(2):
        after = _read(state, DAY)
        told.append(health.change("sky", state, after) is not None)
        state = after
    assert told == [False, False, True, False, False, False, True, False]


def test_a_feed_that_was_silent_before_we_came_is_no_news() -> None:
    old = Rhythm(NOW - 99 * DAY, DAY)
    after = _read(FeedState(), rhythm=old)
    assert (after.health, health.change("sky", FeedState(), after)) == (Health.SILENT, None)


SILENT = _read(rhythm=Rhythm(NOW - 4 * DAY - HOUR, DAY / 3))
MOVED = FeedState(health=Health.MOVED, since=NOW, moved_to=NEW)


@pytest.mark.parametrize(
    ("change", "english", "persian"),
    [
        (
            Change("sky", KNOWN, _failed(KNOWN, *[DOWN] * 3), "down; wait"),
            "sky: could not be read 3 times in a row: down; wait",
            "sky: ۳ بار پیاپی خوانده نشد: down; wait",
        ),
        (
            Change("sky", FeedState(), _failed(FeedState(), DOWN), "down; wait"),
            "sky: could not be read: down; wait",
            "sky: خوانده نشد: down; wait",
        ),
        (
            Change("sky", KNOWN, SILENT),
            "sky: nothing new for 4 days; usually 3 a day.",
            "sky: از ۴ روز پیش نوشتهٔ تازه نداشته؛ معمولاً روزی ۳ تا.",
        ),
        (
            Change("sky", KNOWN, _failed(KNOWN, GONE, GONE, every=DAY), "410"),
            "sky: is not asked any more. Remove it, or correct its url. Its last answer: 410",
            "sky: دیگر سراغش نمی‌روم. حذفش کنید یا نشانی‌اش را درست کنید. آخرین پاسخش: 410",
        ),
        (
            Change("sky", KNOWN, MOVED),
            f"sky: has moved for good and is read at its new address. Put it into feeds.yaml: {NEW}",
            f"sky: برای همیشه جابه‌جا شده و از نشانی تازه‌اش خوانده می‌شود. این نشانی را در feeds.yaml بگذارید: {NEW}",
        ),
        (Change("sky", _failed(MOVED, *[DOWN] * 3), MOVED), "sky: is read again.", "sky: دوباره خوانده می‌شود."),
        (Change("sky", SILENT, KNOWN), "sky: has something new again.", "sky: باز نوشتهٔ تازه دارد."),
        (
            Change("sky", KNOWN, _read(is_republished=True), "12"),
            "sky: was republished: 12 known posts came under new names and were not sent again.",
            "sky: از نو منتشر شده: 12 نوشتهٔ آشنا با نام تازه آمدند و دوباره فرستاده نشدند.",
        ),
        (
            Change("sky", _read(is_republished=True), KNOWN),
            "sky: brings new posts as usual again.",
            "sky: دوباره مثل همیشه نوشتهٔ تازه می‌آورد.",
        ),
    ],
    ids=["failing", "never", "silent", "gone", "moved", "recovered", "speaks", "republished", "as-usual"],
)
def test_a_change_is_told_in_words(change: Change, english: str, persian: str) -> None:
    said: dict[Language, str] = {"en": english, "fa": persian}
    assert {name: health.describe(change, NOW, name, labels.catalog(name)) for name in said} == said


@pytest.mark.parametrize(
    ("gap", "words"),
    [
        (timedelta(0), "1440 a day"),
        (DAY / 3, "3 a day"),
        (DAY, "1 a day"),
        (2 * DAY, "4 a week"),
        (7 * DAY, "1 a week"),
        (20 * DAY, "2 a month"),
        (90 * DAY, "less than once a month"),
    ],
)
def test_a_rhythm_is_said_as_people_say_it(gap: timedelta, words: str) -> None:
    silent = FeedState(Health.SILENT, NOW, rhythm=Rhythm(NOW - 9 * DAY, gap))
    said = health.describe(Change("sky", KNOWN, silent), NOW, "en", labels.catalog("en"))
    assert said == f"sky: nothing new for 9 days; usually {words}."

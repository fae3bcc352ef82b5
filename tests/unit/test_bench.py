"""The material of the benchmarks, which has to be there where the corpus is not."""

from itertools import islice

from bot.render import render
from bot.text import persian, summary
from tests.bench import posts
from tests.builders import a_channel, a_post, a_subscription


def test_posts_made_up_are_long_ones_of_two_languages() -> None:
    found = list(islice(posts.made_up(), 60))
    assert all(len(entry.content or "") >= posts.FULL_TEXT for entry in found)
    assert {persian.dominant_direction(entry.title or "") for entry in found} == {"ltr", "rtl"}
    for entry in found[:20]:
        (message,) = render(a_post(entry), a_subscription())
        assert len(message.text) > len(entry.title or "") + 100


def test_a_post_that_goes_to_many_chats_is_summarised_once() -> None:
    entries = list(islice(posts.made_up(), 3))
    summary.choose.cache_clear()
    for entry in entries:
        for number in range(10):
            render(a_post(entry), a_subscription(channel=a_channel(f"channel-{number}")))
    assert summary.choose.cache_info().misses == 3

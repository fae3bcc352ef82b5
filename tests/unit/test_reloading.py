"""feeds.yaml is followed while the bot runs: all of it or nothing, once it is still, and the admin knows why not."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from bot.config.reading import Config, compare, read_config
from bot.config.reloading import LOOK, SETTLE, Reloader
from bot.errors import ConfigError
from bot.model import Changes
from tests.fakes.clock import FakeClock

FIRST = 'imports: ["more/*.yaml"]\nfeeds: {sky: {url: "https://sky.example/feed"}}\n'
MORE = 'feeds: {garden: {url: "https://garden.example/feed"}}\n'
BAD = FIRST.replace("url", "urk")


@dataclass(slots=True)
class House:
    """A folder with a configuration, and what was said and told of it."""

    path: Path
    clock: FakeClock
    config: Config
    said: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    over: list[str] = field(default_factory=list)

    async def apply(self) -> Changes:
        config = read_config(self.path, environment={}, with_token=False)
        before, self.config = self.config, config
        return compare(before, config)

    async def tell(self, lines: Iterable[str]) -> None:
        self.told += lines

    def reloader(self) -> Reloader:
        return Reloader(
            self.clock,
            path=self.path,
            files=lambda: self.config.files,
            apply=self.apply,
            say=self.said.append,
            tell=self.tell,
            forget=self.over.extend,
            language=lambda: "en",
        )

    async def seconds(self, reloader: Reloader, count: int) -> None:
        for _ in range(count):
            await reloader.look()
            self.clock.advance(timedelta(seconds=1))

    def names(self) -> list[str]:
        return sorted(feed.name for feed in self.config.feeds)


@pytest.fixture
def house(tmp_path: Path, clock: FakeClock) -> House:
    path = tmp_path / "feeds.yaml"
    path.write_text(FIRST, encoding="utf-8")
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "garden.yaml").write_text(MORE, encoding="utf-8")
    return House(path, clock, read_config(path, environment={}, with_token=False))


async def test_a_change_that_was_hinted_at_is_read_when_it_is_still(house: House) -> None:
    reloader = house.reloader()
    house.path.write_text(FIRST.replace("sky:", "moon:"), encoding="utf-8")
    await house.seconds(reloader, 3)
    assert house.names() == ["garden", "sky"]  # nobody said a word, and it is not time
    reloader.hint()
    await house.seconds(reloader, 1)
    house.path.write_text(FIRST.replace("sky:", "stars:"), encoding="utf-8")
    await house.seconds(reloader, 1)
    assert house.names() == ["garden", "sky"]  # it is being written
    await house.seconds(reloader, 1)
    assert house.names() == ["garden", "stars"]
    assert house.said == [f"Configuration  {house.path}, read again"]
    assert house.told == []  # who changed it need not be told that it works


async def test_a_change_that_nobody_saw_is_found_within_a_minute(house: House) -> None:
    reloader = house.reloader()
    house.path.write_text(FIRST.replace("sky:", "moon:"), encoding="utf-8")
    await house.seconds(reloader, int((LOOK + SETTLE).total_seconds()) + 1)
    assert house.names() == ["garden", "moon"]


@pytest.mark.parametrize("name", ["more/garden.yaml", "more/new.yaml"])
async def test_a_file_that_is_imported_counts_and_so_does_one_that_comes(house: House, name: str) -> None:
    reloader = house.reloader()
    (house.path.parent / name).write_text(MORE.replace("garden:", "tulips:"), encoding="utf-8")
    reloader.hint()
    await house.seconds(reloader, 2)
    assert "tulips" in house.names()


async def test_with_a_mistake_everything_stays_and_the_admin_hears_of_it_and_of_its_end(house: House) -> None:
    reloader = house.reloader()
    for _ in range(2):  # the second time it is news again
        house.path.write_text(BAD, encoding="utf-8")
        reloader.hint()
        await house.seconds(reloader, 200)  # looked at three more times meanwhile
        assert house.names() == ["garden", "sky"]
        house.path.write_text(FIRST, encoding="utf-8")
        reloader.hint()
        await house.seconds(reloader, 2)
    wrong, right = house.told[:2]
    assert wrong.startswith(f"feeds.yaml has mistakes, so nothing was changed: {house.path}:2:9: 'url' is missing")
    assert "(and 1 more; `qasedak check` names them)" in wrong
    assert right == "feeds.yaml is right again and was read."
    assert house.told == house.over == [wrong, right] * 2
    assert [line.endswith("stays as it was") for line in house.said] == [True, False] * 2


async def test_a_file_that_is_gone_is_a_mistake(house: House) -> None:
    reloader = house.reloader()
    house.path.unlink()
    (house.path.parent / "more" / "garden.yaml").unlink()
    reloader.hint()
    await house.seconds(reloader, 2)
    assert "no such file" in house.told[0]


async def test_what_an_import_did_not_find_is_found_when_it_is_there(house: House) -> None:
    reloader = house.reloader()
    house.path.write_text(FIRST.replace("more", "others"), encoding="utf-8")
    reloader.hint()
    await house.seconds(reloader, 2)
    assert "no file matches this import" in house.told[0]
    (house.path.parent / "others").mkdir()
    (house.path.parent / "others" / "garden.yaml").write_text(MORE, encoding="utf-8")
    await house.seconds(reloader, int(LOOK.total_seconds()) + 1)
    assert house.told[1] == "feeds.yaml is right again and was read."
    (house.path.parent / "others" / "garden.yaml").write_text(MORE.replace("garden:", "tulips:"), encoding="utf-8")
    reloader.hint()
    await house.seconds(reloader, 2)
    assert house.names() == ["sky", "tulips"]


async def test_what_was_read_because_somebody_asked_is_not_read_again(house: House) -> None:
    reloader = house.reloader()
    house.path.write_text(BAD, encoding="utf-8")
    reloader.hint()
    await reloader.look()
    with pytest.raises(ConfigError):
        await reloader.reload()
    await house.seconds(reloader, 3)
    assert house.said == house.told == []  # who asked has the answer

"""Forty posts, written for this project, of calendars, the sky and gardens: every kind of thing that posts do.

``tests/data/messages`` has what they become; ``python -m tests.golden_posts`` writes it anew.
"""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from bot.model import Calendar, Digits, Entry, Feed, FeedKind, Language, Length
from bot.render import TEMPLATES, render
from bot.text.richtext import utf16_length
from tests.builders import a_channel, a_post, a_subscription
from tests.readable import readable

FOLDER = Path(__file__).parent / "data" / "messages"
AT = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
TAGS = {"نجوم": "Astronomy", "باغ": "Garden", "تقویم": "Calendar"}
GARDEN_FA = (
    "باغچه در پاییز به آرامی می‌خوابد. برگ‌های ریخته را جمع نکنید، چون خاک از آن‌ها جان می‌گیرد. پیاز لاله را حالا بکارید؛"
    " تا بهار ریشه می‌دواند. آبیاری را کم کنید، اما خاک نباید خشک شود."
)
SKY_EN = (
    "The comet returns after sixty years and can be seen low in the east. Look half an hour before sunrise, away from"
    " the lights of the town. Binoculars show its short tail; a telescope shows little more. It will be gone by Friday."
)


def repeated(text: str, times: int) -> str:
    return "".join(f"<p>{number}. {text}</p>" for number in range(1, times + 1))


@dataclass(frozen=True)
class Golden:
    """A post, and what is special about how it is shown."""

    title: str | None
    content: str | None
    language: str = "en"
    entry: dict[str, Any] = field(default_factory=dict)
    channel: dict[str, Any] = field(default_factory=dict)
    feed: dict[str, Any] = field(default_factory=dict)
    post: dict[str, Any] = field(default_factory=dict)
    replayed_on: date | None = None


POSTS: dict[str, Golden] = {
    "plain-english": Golden("A comet in the east", f"<p>{SKY_EN}</p>", entry={"tags": ("Comets", "Astronomy")}),
    "plain-persian": Golden("باغچه در پاییز", f"<p>{GARDEN_FA}</p>", "fa", entry={"tags": ("باغ", "پاییز")}),
    "no-title-english": Golden(None, "<p>The first frost came last night. Cover the roses. Bring the pots in.</p>"),
    "no-title-persian": Golden(
        None, "<p>دیشب نخستین یخبندان بود. روی رزها را بپوشانید. گلدان‌ها را به خانه بیاورید.</p>", "fa"
    ),
    "no-text": Golden("Sunrise over the pond", None),
    "no-words-at-all": Golden(None, "<p><img src='/sunrise.jpg'></p>"),
    "title-begins-in-latin": Golden(
        "NASA تصویر تازه‌ای از ماه منتشر کرد", "<p>NASA می‌گوید عکس با JWST گرفته شده است.</p>", "fa"
    ),
    "title-begins-in-persian": Golden("نوروز: the new year of spring", "<p>Nowruz (نوروز) begins at the equinox.</p>"),
    "title-in-quotes": Golden("«ماه» و «خورشید»: دو تقویم", "<p>تقویم قمری ۱۱ روز کوتاه‌تر است.</p>", "fa"),
    "title-with-live-words": Golden(
        "Ask @everyone: is /start a #Question?", "<p>Prices rose to $MOON. See a@garden.example.</p>"
    ),
    "title-repeated": Golden(
        "How to prune roses", "<h1>How to prune roses</h1><p>Wait for February. Cut above a bud.</p>"
    ),
    "long-title": Golden(
        "What the gardeners of the old city knew of water, shade, stone and patience " * 4, "<p>A lot.</p>"
    ),
    "html-in-title": Golden("Sun & Moon <3: 1 < 2", "<p>Both fit in one sky.</p>"),
    "author": Golden("Notes on moss", "<p>Moss needs no roots.</p>", entry={"author": "سارا روشن"}),
    "author-persian": Golden("خزه", "<p>خزه ریشه نمی‌خواهد.</p>", "fa", entry={"author": "Sara Roshan"}),
    "date-without-time": Golden(
        "Equinox",
        "<p>Day and night are equal.</p>",
        entry={"published": datetime(2026, 3, 19, 20, 30, tzinfo=UTC), "date_only": True},
    ),
    "no-date": Golden("Undated", "<p>Nobody knows when.</p>", entry={"published": None}),
    "local-time": Golden("Eclipse tonight", "<p>It begins at nine.</p>", channel={"local_time": True}),
    "lunar-calendar": Golden(
        "هلال ماه نو",
        "<p>هلال امشب دیده می‌شود.</p>",
        "fa",
        channel={"calendars": (Calendar.JALALI, Calendar.LUNAR, Calendar.GREGORIAN)},
    ),
    "latin-digits": Golden("تقویم", "<p>سال ۱۴۰۵ خورشیدی.</p>", "fa", channel={"digits": Digits.LATIN}),
    "from-the-archive": Golden("رصدخانهٔ مراغه", "<p>ساختنش در سال ۶۵۷ آغاز شد.</p>", "fa", post={"is_old": True}),
    "on-this-day": Golden(
        "The first light of the telescope",
        "<p>Eight years ago.</p>",
        replayed_on=date(2026, 11, 23),
        entry={"published": datetime(2018, 11, 23, 6, 0, tzinfo=UTC)},
        feed={"kind": FeedKind.ARCHIVE},
    ),
    "no-link": Golden("A card on the door", "<p>No page has this.</p>", entry={"link": None}),
    "list": Golden(
        "What to plant",
        "<p>Now:</p><ul><li>Tulips<li>Garlic<ul><li>soft-necked<li>hard-necked</ul><li>Broad beans</ul>",
    ),
    "numbered-list": Golden("کارهای آذر", "<p>به ترتیب:</p><ol><li>هرس درختان<li>کود دادن<li>آبیاری عمیق</ol>", "fa"),
    "table": Golden(
        "Moons of December",
        "<table><tr><th>Phase<th>Day<th>Hour<tr><td>New<td>9<td>04:12<tr><td>Full<td>24<td>05:28</table>",
    ),
    "table-persian": Golden(
        "ماه‌های سال",
        "<table><tr><th>ماه<th>روز<th>Month<tr><td>آذر<td>۳۰<td>December<tr><td>دی<td>۳۰<td>January</table>",
        "fa",
    ),
    "code": Golden(
        "Day of the year",
        "<p>Use <code>%j</code>:</p><pre><code class='language-python'>day = today\nprint(f'{day:%j}')</code></pre>",
    ),
    "quote": Golden(
        "An old gardener",
        "<p>She used to say:</p><blockquote><p>Plant pears for your heirs.</p></blockquote><p>So we did.</p>",
    ),
    "long-quote": Golden(
        "از یک نامه",
        f"<p>نوشته بود:</p><blockquote>{GARDEN_FA} {GARDEN_FA} {GARDEN_FA}</blockquote><p>و همین.</p>",
        "fa",
    ),
    "links-and-styles": Golden(
        "Further reading",
        "<p><b>Start</b> with <a href='/almanac'>the <i>almanac</i></a>, then <s>the old</s> <u>the new</u> <a href='https://moon.example/?a=1&amp;b=2'>tables</a>.</p>",
    ),
    "headings": Golden("A year in the beds", "<h2>Spring</h2><p>Sow.</p><h2>Summer</h2><p>Water.</p><hr><p>Rest.</p>"),
    "captions-and-bylines": Golden(
        "Pond life",
        "<figure><img src='/p.jpg'><figcaption>The pond</figcaption></figure><p>Newts!</p><footer>A letter.</footer>",
    ),
    "mixed-lines": Golden(
        "دو خط، two lines", "<p>این خط فارسی است و GPS دارد.</p><p>This line is English and has نوروز in it.</p>", "fa"
    ),
    "arabic-letters": Golden("كتاب علي در باغ", "<p>كتابي درباره‌ي باغ‌هاي ايراني.</p>", "fa"),
    "emoji-and-science": Golden(
        "Water 🌧️ and stone", "<p>H<sub>2</sub>O at 10<sup>2</sup> °C <img src='e.png' alt='🌱'></p>"
    ),
    "tags-of-two-languages": Golden(
        "Calendars",
        "<p>Two of them.</p>",
        entry={"tags": ("نجوم", "garden", "New Year", "C++", "۱۴۰۵")},
        channel={"hashtags": 5},
    ),
    "two-thousand-letters": Golden("باغ ایرانی", repeated(GARDEN_FA, 8), "fa"),
    "cut": Golden("The long comet", repeated(SKY_EN, 30), channel={"length": Length.CUT}),
    "split": Golden("دنباله‌دار بلند", repeated(GARDEN_FA, 40), "fa", channel={"length": Length.SPLIT}),
}


def shown(golden: Golden) -> str:
    """Every message of the post: each language in each template."""
    found: list[str] = []
    languages: tuple[Language, ...] = ("fa", "en")
    for template in TEMPLATES:
        for language in languages:
            messages = messages_of(golden, template, language)
            for number, message in enumerate(messages, start=1):
                count = f", {number} of {len(messages)}" if len(messages) > 1 else ""
                size = f"{utf16_length(message.text)} units, {len(message.entities)} entities"
                silent = ", silent" if message.silent else ""
                found.append(f"=== {template}, {language}{count}: {size}{silent}\n\n{readable(message)}\n")
    return "\n".join(found)


def messages_of(golden: Golden, template: str, language: Language) -> Any:
    values = {"published": AT, "link": "https://garden.example/1", "tags": (), **golden.entry}
    entry = Entry(title=golden.title, content=golden.content, language=golden.language, **values)
    feed = Feed(**{"name": "notes", "kind": FeedKind.HTTP, "url": "https://garden.example/feed", **golden.feed})
    route = {"source": True, "footer": "@mychannel", **golden.channel}
    channel = a_channel(template=template, language=language, **route)
    post = a_post(entry, feed_title="دفتر آسمان" if golden.language == "fa" else "Sky Notes", **golden.post)
    return render(post, a_subscription(feed, channel, tags=TAGS), replayed_on=golden.replayed_on)


def write() -> None:
    """Write the files anew, to be looked at in the diff."""
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.glob("*.txt"):
        old.unlink()
    for name, golden in POSTS.items():
        (FOLDER / f"{name}.txt").write_text(shown(golden), encoding="utf-8")


if __name__ == "__main__":
    write()

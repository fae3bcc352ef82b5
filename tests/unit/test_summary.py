"""``bot.text.summary`` and the sentences it is made of."""

import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.model import SummaryOptions
from bot.text import persian, summary
from bot.text.sentences import unwrapped

# --- sentences ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "count"),
    [
        pytest.param("The moon is full. Take a walk.", 2, id="plain"),
        pytest.param("Dr. Roshan met Mrs. Hill on Sept. 14 at 5.30.", 1, id="titles-and-months"),
        pytest.param("It was 3.5 metres tall, e.g. a tree. It grew.", 2, id="decimals"),
        pytest.param("J. R. Hill wrote it. She read it.", 2, id="initials"),
        pytest.param("U.S. gardens opened in the U.S. The roses came later.", 2, id="dotted-letters"),
        pytest.param('"Is it full?" he asked. "Yes!"', 2, id="question-in-a-quote"),
        pytest.param("Wait... and look. Then sleep.", 2, id="ellipsis-goes-on"),
        pytest.param("So it ended… The night began.", 2, id="ellipsis-ends"),
        pytest.param("He said ... nothing at all.", 1, id="words-left-out"),
        pytest.param('"The sky is clear." (Sky Notes) The night began.', 2, id="source-in-brackets"),
        pytest.param("See No. 5 of the list. No. It is late.", 3, id="number-or-no"),
        pytest.param("1. Water the roses. 2. Wait.", 2, id="numbered"),
        pytest.param("Full?! Really! Yes.", 3, id="cries"),
        pytest.param("one line\nanother line", 2, id="lines"),
        pytest.param("ماه کامل است. آسمان صاف است.", 2, id="persian"),
        pytest.param("آیا ماه کامل است؟ بله! خوب است.", 3, id="persian-marks"),
        pytest.param("ماه کامل است؛ آسمان صاف است.", 1, id="semicolon-never"),
        pytest.param("در سال ۱۳۹۷ ه.ش. باغ باز شد. م. ر. روشن آمد.", 2, id="persian-initials"),
        pytest.param("گفت: «می\u200cآیی؟» و رفت. ماند.", 2, id="question-in-persian-quotes"),
        pytest.param("نسخهٔ ۳.۵ آمد. تاریخ آن ۱۴۰۵.۰۹.۰۲ است.", 2, id="persian-decimals"),
        pytest.param("صبر کن… و ببین.", 1, id="and-goes-on"),
        pytest.param("چاند پورا ہے۔ آسمان صاف ہے۔", 2, id="urdu-full-stop"),
        pytest.param("It goes round the sun. True noon is late. He sat. Then he slept.", 4, id="words-like-weekdays"),
        pytest.param("Am 1. Mai blühen z. B. Rosen bzw. Tulpen. Im Garten ist es still.", 2, id="german"),
        pytest.param("今夜は満月です。双眼鏡で見えます！「きれいですね。」と彼女は言った。", 3, id="japanese"),
        pytest.param("今晚是满月。天气晴朗吗？“很好。”他说。", 3, id="chinese"),
        pytest.param("आज पूर्णिमा है। आकाश साफ़ है।", 2, id="hindi"),
        pytest.param("الليلة قمر مكتمل. هل السماء صافية؟ نعم!", 3, id="arabic"),
        pytest.param("", 0, id="nothing"),
    ],
)
def test_sentences_are_parted_where_a_reader_parts_them(text: str, count: int) -> None:
    assert len(summary.split_sentences(text)) == count


@given(st.text(alphabet="ab. !?…؟«»\"'()A1\n\u200cم", max_size=60))
def test_sentences_lose_nothing_but_white_space(text: str) -> None:
    assert "".join("".join(summary.split_sentences(text)).split()) == "".join(text.split())


# --- picking ------------------------------------------------------------------------------------------------

GARDEN = [
    "The public garden of the old town opened its new rose beds to visitors on Friday morning.",
    "Tea was served under the trees. A band played for an hour. Children painted stones.",
    "The rose beds hold four hundred plants, and the garden keeps a record of each rose. "
    "It took two years to dig the beds by hand. Rain stopped the work for most of the first spring.",
    "“We like mornings best,” said one visitor. However, she stayed until the evening.",
    "Visitors may see the rose beds every day until the garden closes for winter in November.",
    "The next concert is in May. Bring a chair. Parking is behind the old mill.",
]
TITLE = "New rose beds open in the old town garden"

SKY = [
    "ماه امشب کامل است و از سر شب تا سپیده\u200cدم در آسمان همهٔ شهرها دیده می\u200cشود.",
    "برای دیدن آن ابزاری لازم نیست. با این حال دوربین دوچشمی دهانه\u200cها را روشن\u200cتر نشان می\u200cدهد.",
    "دوربین دوچشمی را روی سه\u200cپایه بگذارید تا تصویر ماه نلرزد. چای هم فراموش نشود.",
    "ماه کامل بعدی یک ماه دیگر است و رصدخانه برای آن شب برنامه\u200cای برای خانواده\u200cها دارد.",
    "او گفت هوا صاف می\u200cماند. جاده باز است. پارکینگ پشت ساختمان است.",
]


def test_a_summary_is_sentences_of_the_text_in_their_order() -> None:
    picked = summary.summarise(GARDEN, title=TITLE)
    text = " ".join(GARDEN)
    places = [text.index(sentence) for sentence in picked]
    assert len(picked) == 3
    assert places == sorted(places)
    assert picked[0] == GARDEN[0]
    assert picked[-1] == GARDEN[4]


def test_a_persian_summary_is_as_good() -> None:
    picked = summary.summarise(SKY, title="ماه کامل امشب")
    assert picked[0] == SKY[0]
    assert SKY[3] in picked
    assert not any(sentence.startswith(("او ", "با این حال")) for sentence in picked)


@pytest.mark.parametrize("sentences", [1, 2, 3, 5])
@pytest.mark.parametrize("max_chars", [80, 200, 600])
def test_a_summary_keeps_its_limits(sentences: int, max_chars: int) -> None:
    for paragraphs in (GARDEN, SKY):
        picked = summary.summarise(paragraphs, title=None, sentences=sentences, max_chars=max_chars)
        assert 1 <= len(picked) <= sentences
        assert len(" ".join(picked)) <= max_chars


def test_a_first_sentence_that_is_too_long_is_cut_behind_a_word() -> None:
    assert summary.summarise(GARDEN[:1], title=None, max_chars=30) == ["The public garden of the old…"]


def test_arabic_letters_change_nothing_that_is_picked() -> None:
    arabic = str.maketrans("یک", "يك")
    other = summary.summarise([paragraph.translate(arabic) for paragraph in SKY], title="ماه کامل امشب")
    assert [persian.search_fold(s) for s in other] == [
        persian.search_fold(s) for s in summary.summarise(SKY, title="ماه کامل امشب")
    ]


CHINESE = [
    "今晚的月亮是今年最圆的一次满月，从傍晚到黎明全国各地都能看到这一轮明月。",
    "看月亮不需要任何工具。双眼望远镜能让环形山看得更清楚。请把望远镜放在三脚架上，画面才不会抖动。",
    "公园里有茶和音乐。孩子们可以画石头。停车场在旧磨坊后面。这里的猫喜欢在下午睡觉，不理会游客。",
    "天文台为今年的满月准备了全国直播，全国各地的观众都能在网上看到月亮。下一次满月在一个月之后。请带一把椅子和一条毯子。",
    "园丁们说玫瑰在春天长得很好。雨水推迟了两个星期的工作。河边的小路在冬天会关闭，请走桥上的路。"
    "门票的价格和白天一样。十岁以下的儿童可以免费入场。狗必须用绳子牵着。没有音乐会的晚上公园十点关门。"
    "去年有四千人来看月亮，比预计的多了一倍。新的长椅在秋天之前会摆好。请把杯子送回茶室。"
    "桥边的面包店每天早上六点开门，卖面包和热咖啡，星期天休息。图书馆的老钟慢了十分钟，没有人介意。",
]
THAI = ["คืนนี้พระจันทร์เต็มดวง เห็นได้ทั่วประเทศตั้งแต่หัวค่ำจนถึงรุ่งเช้า ไม่ต้องใช้อุปกรณ์ใด " * 8]
GERMAN = [
    "Der Rosengarten der alten Stadt hat am Freitag seine neuen Beete geöffnet, und viele Gäste kamen zur Feier.",
    "Am 1. Mai gab es Tee. Eine Kapelle spielte eine Stunde lang. Kinder bemalten Steine am Ufer des Flusses.",
    "In den neuen Beeten des Rosengartens stehen vierhundert Rosen, und jede Rose hat ein Schild mit ihrem Namen.",
    "Zwei Jahre lang wurden die Beete von Hand gegraben. Regen hielt die Arbeit im ersten Frühling oft auf.",
]


@pytest.mark.parametrize("paragraphs", [CHINESE, THAI, GERMAN], ids=["chinese", "thai", "german"])
@pytest.mark.parametrize("max_chars", [25, 120, 600])
def test_any_language_has_a_summary_within_its_limits(paragraphs: list[str], max_chars: int) -> None:
    picked = summary.summarise(paragraphs, title=None, max_chars=max_chars)
    assert picked
    assert all(sentence.rstrip("…") in " ".join(paragraphs) for sentence in picked)
    assert len(" ".join(picked)) <= max_chars
    assert len(picked[0]) > max_chars / 2 or not picked[0].endswith("…")


def test_words_that_are_not_parted_are_compared_all_the_same() -> None:
    told = "天文台为今年的满月准备了全国直播，全国各地的观众都能在网上看到月亮。"
    assert told in summary.summarise(CHINESE, title="天文台全国直播")
    assert told not in summary.summarise(CHINESE, title=None)


BEES = "Four hundred bees live behind the mill"
PIGEONS = "چهارصد کبوتر پشت آسیاب در هوای صاف"


@pytest.mark.parametrize(
    ("leaning", "standing"),
    [
        ("However, four hundred bees live behind the mill.", "Four hundred bees live behind the mill, too."),
        ("Two days later four hundred bees lived behind the mill.", "Behind the mill lived four hundred bees in May."),
        ("Another four hundred bees live behind the mill.", "One of four hundred bees lives behind the mill."),
        ("“Four hundred bees live behind the mill,” she said.", "Behind the mill live four hundred bees, she said."),
        ("با این حال چهارصد کبوتر پشت آسیاب در هوای صاف خوابیدند.", "چهارصد کبوتر پشت آسیاب در هوای صاف خوابیدند."),
        ("یکی چهارصد کبوتر را پشت آسیاب دید.", "یکی از چهارصد کبوتر پشت آسیاب ماند."),
        ("«چهارصد کبوتر پشت آسیاب در هوای صاف خوابیدند» را نوشت.", "پشت آسیاب چهارصد کبوتر در هوای صاف خوابیدند."),
    ],
)
def test_what_leans_on_a_sentence_left_out_is_not_picked(leaning: str, standing: str) -> None:
    text, title = (GARDEN, BEES) if standing[0].isascii() else (SKY, PIGEONS)
    for sentence in (leaning, standing):
        picked = summary.summarise([*text[:4], "Tea. Coffee. چای.", sentence, *text[4:]], title=title)
        assert (sentence in picked) == (sentence == standing)


def test_no_two_sentences_say_half_the_same() -> None:
    again = "The public garden of the old town opened its rose beds on Friday, as visitors say."
    assert again not in summary.summarise([*GARDEN, again], title=again, sentences=20, max_chars=5000)


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        pytest.param("Isfahan, Sept. 14, 2018 - The garden opened.", "The garden opened.", id="place-and-date"),
        pytest.param("Sept. 13, 2018 – The garden opened.", "The garden opened.", id="date"),
        pytest.param("LONDON — The garden opened.", "The garden opened.", id="capitals"),
        pytest.param("Shiraz (Sky Notes) - The garden opened.", "The garden opened.", id="agency"),
        pytest.param("شیراز، ۵ مهر ۱۴۰۵ - باغ باز شد.", "باغ باز شد.", id="persian"),
        pytest.param("The garden - an old one - opened.", "The garden - an old one - opened.", id="no-dateline"),
    ],
)
def test_a_dateline_is_not_told(first: str, expected: str) -> None:
    assert summary.summarise([first], title=None) == [expected]


@pytest.mark.parametrize(
    "paragraphs", [[], [""], ["...", "—"], [TITLE]], ids=["no-paragraphs", "empty", "no-letters", "only-the-title"]
)
def test_where_nothing_is_said_there_is_no_summary(paragraphs: list[str]) -> None:
    assert summary.summarise(paragraphs, title=TITLE) == []


@pytest.mark.parametrize("width", [60, 72, 100])
def test_a_text_wrapped_by_an_editor_has_its_sentences_whole(width: int) -> None:
    wrapped = unwrapped(f"{TITLE}\n" + "\n\n".join(textwrap.fill(paragraph, width) for paragraph in GARDEN))
    assert wrapped[0] == TITLE
    assert _sentences(wrapped) == _sentences([TITLE, *GARDEN])
    assert unwrapped("\n".join(SKY)) == SKY


def _sentences(paragraphs: list[str]) -> list[str]:
    return [sentence for paragraph in paragraphs for sentence in summary.split_sentences(paragraph)]


# --- the publisher's or ours --------------------------------------------------------------------------------

OPTIONS = SummaryOptions()
CONTENT = "".join(f"<p>{paragraph}</p>" for paragraph in GARDEN)


def test_a_publishers_own_summary_is_used() -> None:
    own = "<p>Four hundred roses wait for you in the old town.</p>"
    assert summary.choose(own, CONTENT, TITLE, OPTIONS) == "Four hundred roses wait for you in the old town."


@pytest.mark.parametrize(
    "own",
    [
        pytest.param(GARDEN[0][:60] + "…", id="torn-beginning"),
        pytest.param(GARDEN[0][:60] + " [&#8230;]", id="torn-beginning-in-brackets"),
        pytest.param(CONTENT, id="the-content-itself"),
        pytest.param(f"<b>{TITLE}</b>", id="the-title"),
        pytest.param("<a href='https://example.org/c'>Comments</a>", id="a-link"),
        pytest.param("Read more", id="read-more"),
        pytest.param("ادامه مطلب", id="persian-read-more"),
        pytest.param("<p>…</p>", id="no-letters"),
        pytest.param("", id="empty"),
        pytest.param(None, id="none"),
    ],
)
def test_what_is_no_summary_gives_way_to_the_content(own: str | None) -> None:
    assert summary.choose(own, CONTENT, TITLE, OPTIONS) == " ".join(summary.summarise(GARDEN, title=TITLE))


TEA = GARDEN[1].split(". ")[1] + "."


@pytest.mark.parametrize(
    ("own", "is_used"),
    [
        pytest.param(f"<p>{TEA}</p>", True, id="a-sentence-from-within"),
        pytest.param(f"<p>{' '.join(GARDEN[2:5])[:280]}</p>", False, id="an-excerpt-from-within"),
        pytest.param(GARDEN[0][:57], False, id="a-beginning-torn-in-a-word"),
        pytest.param(
            f"<p>{GARDEN[0][:60]} [...]</p><p>Der Beitrag <a href='https://x.example/1'>{TITLE}</a> erschien zuerst "
            "auf <a href='https://x.example'>Gartenblatt</a>.</p>",
            False,
            id="a-torn-beginning-with-a-signature",
        ),
    ],
)
def test_pieces_of_the_content_are_a_summary_only_where_somebody_chose_them(own: str, is_used: bool) -> None:
    told = summary.choose(own, CONTENT, TITLE, OPTIONS)
    assert (told == own.removeprefix("<p>").removesuffix("</p>")) == is_used
    assert is_used or told == " ".join(summary.summarise(GARDEN, title=TITLE))


@pytest.mark.parametrize(
    ("title", "signature"),
    [
        pytest.param(TITLE, f"نوشته {TITLE} اولین بار در باغ\u200cنامه. پدیدار شد.", id="plain-text"),
        pytest.param(
            "Roses",
            "Artykuł <a href='https://x.example/1'>Roses</a> pochodzi z serwisu Ogród.",
            id="links-a-short-title",
        ),
    ],
)
def test_what_publishers_put_below_a_text_is_not_told(title: str, signature: str) -> None:
    told = summary.choose(None, f"<p>Tea was served.</p><p>{signature}</p>", title, OPTIONS)
    assert told == "Tea was served."


def test_full_width_sentences_stand_without_a_space_between() -> None:
    assert summary.choose("<p>今晚的月亮很圆。天气很好。</p>", None, None, OPTIONS) == "今晚的月亮很圆。天气很好。"


def test_headings_captions_and_rows_of_links_are_not_told() -> None:
    html = (
        "<h2>News</h2><figcaption>A rose</figcaption><p><a href='https://example.org/1'>Share</a> "
        "<a href='https://example.org/2'>Print</a></p><ul><li>Roses bloom.</li></ul>"
        "<p>The post x appeared first on y.</p>"
    )
    assert summary.choose(None, html, "Garden", OPTIONS) == "Roses bloom."


def test_the_title_is_not_repeated() -> None:
    assert summary.choose(f"<p>{TITLE}</p>", None, TITLE, OPTIONS) == ""
    assert summary.choose(f"<p>{TITLE}.</p><p>Tea was served.</p>", None, TITLE, OPTIONS) == "Tea was served."


def test_a_long_summary_ends_with_a_sentence() -> None:
    own = "<p>Roses are out. The paths are dry. Tea is served until late in the evening.</p>"
    assert summary.choose(own, CONTENT, TITLE, SummaryOptions(3, 40)) == "Roses are out. The paths are dry."
    assert summary.choose(own, CONTENT, TITLE, SummaryOptions(1, 600)) == "Roses are out."


def test_a_feed_that_tears_its_only_text_loses_the_torn_sentence() -> None:
    own = "<p>Roses are out. The paths are dry and [&hellip;]</p>"
    assert summary.choose(own, None, TITLE, OPTIONS) == "Roses are out."
    assert summary.choose("<p>The paths are dry and [...]</p>", None, TITLE, OPTIONS) == "The paths are dry and…"
    assert summary.choose("<p>Roses are out. Read more &rarr;</p>", None, TITLE, OPTIONS) == "Roses are out."


def test_nothing_to_tell_is_an_empty_summary() -> None:
    assert summary.choose(None, None, None, OPTIONS) == ""
    assert summary.choose("<img src='https://example.org/a.png'>", "", "x", OPTIONS) == ""


def test_items_of_a_list_stand_on_lines_of_their_own() -> None:
    html = "<p>This autumn:</p><ul><li>Plant tulips<li>Cover the roses.<li>Sleep</ul>"
    assert summary.choose(None, html, TITLE, OPTIONS) == "Plant tulips\nCover the roses. Sleep"


def test_the_words_round_a_long_list_say_what_it_is() -> None:
    items = "".join(f"<li>Rose number {number} of the long bed" for number in range(60))
    words = "".join(f"<p>{sentence}</p>" for sentence in summary.split_sentences(GARDEN[1]))
    told = summary.choose(None, f"{words}<ul>{items}</ul>", TITLE, OPTIONS)
    assert told
    assert "Rose number" not in told


@pytest.mark.parametrize(
    "first",
    ["Four hundred roses open in the old town", "(Photo: our own)", "[Updated on Monday]."],
    ids=lambda t: t[:5],
)
def test_what_the_title_says_with_a_date_in_front_and_asides_are_not_told(first: str) -> None:
    title = "13/08 - Four hundred roses open in the old town"
    assert summary.choose(f"<p>{first}</p><p>Tea was served.</p>", None, title, OPTIONS) == "Tea was served."


FROST = [
    "باغچه در پاییز به آرامی می‌خوابد و کسی آن را بیدار",
    "نمی‌کند تا بهار از راه برسد و خاک دوباره گرم شود؛ پس",
    "صبر کنید.",
]
HEADLINES = [
    "Four hundred roses open in the old town on a Saturday",
    "The comet returns after sixty years and is seen by nobody at all",
    "Rain",
]


@pytest.mark.parametrize(
    ("text", "paragraphs"),
    [
        pytest.param(
            "Tool and API support for the description framework\n is slowly coming of age.",
            ["Tool and API support for the description framework is slowly coming of age."],
            id="goes-on-in-small-letters",
        ),
        pytest.param(f"{FROST[0]}\n{FROST[1]}\n{FROST[2]}", [" ".join(FROST)], id="persian-has-no-small-letters"),
        pytest.param("\n".join(HEADLINES), HEADLINES, id="headlines"),
        pytest.param(
            "What to bring to the garden on the second Saturday of May\n- gloves\n- tea",
            ["What to bring to the garden on the second Saturday of May", "- gloves", "- tea"],
            id="a-list",
        ),
    ],
)
def test_lines_that_an_editor_broke_are_one_paragraph(text: str, paragraphs: list[str]) -> None:
    assert unwrapped(text) == paragraphs

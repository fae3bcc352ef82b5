"""Two pages of a made-up garden magazine, each with what pages have round an article."""

ENGLISH_WORDS = (
    "Tulip bulbs go into the ground before the first hard frost, so that their roots can grow while the soil is warm.",
    "The hole should be three times as deep as the bulb is tall, and two bulbs should stand a hand apart.",
    "Water them once after planting, cover the bed with leaves, and leave them alone until the snow is gone.",
)
PERSIAN_WORDS = (
    "پیاز لاله را پیش از نخستین یخبندان در خاک می‌گذاریم تا ریشه بدواند و زمستان را زیر برگ‌ها بگذراند.",
    "ژرفای کاشت سه برابر بلندی پیاز است و فاصلهٔ دو پیاز از یک وجب کمتر نباشد.",
    "پس از کاشت یک بار آب بدهید، روی خاک را با برگ بپوشانید و تا آب شدن برف به آن دست نزنید.",
)
NOISE = ("Subscribe to our newsletter", "همهٔ حقوق محفوظ است", "Most read this week", "alert(1)")


def page(title: str, words: tuple[str, ...], *, language: str = "en", head: str = "", extra: str = "") -> str:
    """An article with a menu, a side bar, a script, comments and a footer."""
    body = "".join(f"<p>{paragraph}</p>" for paragraph in words)
    direction = "rtl" if language == "fa" else "ltr"
    return (
        f'<!DOCTYPE html><html lang="{language}" dir="{direction}"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta property="og:image" content="/pictures/tulips.jpg">{head}</head><body>'
        '<nav><ul><li><a href="/">Home</a></li><li><a href="/about">About</a></li></ul></nav>'
        f"<main><article><h1>{title}</h1>{body}{extra}<script>alert(1)</script></article></main>"
        '<aside><h3>Most read this week</h3><ul><li><a href="/other">A pond of your own</a></li></ul></aside>'
        '<section class="comments" id="comments"><p>Lovely, thank you!</p></section>'
        "<footer><p>Subscribe to our newsletter</p><p>همهٔ حقوق محفوظ است</p></footer></body></html>"
    )


ENGLISH = page("When to plant tulips", ENGLISH_WORDS)
PERSIAN = page("پیاز لاله را کی بکاریم؟", PERSIAN_WORDS, language="fa")

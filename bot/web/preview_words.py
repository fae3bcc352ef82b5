"""What all pages have in common: their templates, and the signs of states; and the words of those that show channels.

Read by ``preview.py``, ``site.py`` and ``web/``. Makes no page.
"""

from collections.abc import Mapping
from functools import cache
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from bot.model import DeliveryState, Language

#: State is never told by colour alone.
SIGNS: Final[Mapping[str, str]] = {
    DeliveryState.PENDING: "◷",
    DeliveryState.SENDING: "↑",
    DeliveryState.SENT: "✓",
    DeliveryState.UNCERTAIN: "?",
    DeliveryState.HELD: "‖",
    DeliveryState.DEAD: "✕",
    DeliveryState.DROPPED: "−",
}


WORDS: Final[Mapping[Language, Mapping[str, str]]] = {
    "fa": {
        "banner": "پیش\u200cنمایش؛ چیزی به تلگرام نرفته",
        "post": "{} نوشته",
        "posts": "{} نوشته",
        "show_marks": "نمایش نشانه\u200cهای پنهان",
        "hide_marks": "پنهان کردن نشانه\u200cها",
        "older": "نوشته\u200cهای پیش\u200cتر",
        "empty": "هنوز چیزی اینجا نیست.",
        "queue": "در صف؛ هنوز نرفته",
        "picture": "تصویر",
        "audio": "صدا",
        "video": "فیلم",
        "show_pictures": "نمایش تصویرها",
        "hide_pictures": "پنهان کردن تصویرها",
        "templates": "قالب\u200cها",
        "as_template": "نوشته\u200cها با قالب \u2068{}\u2069 چنین می\u200cشدند.",
        "entities": "موجودیت",
        "why": "چرا؟",
        "why_post": "نوشتهٔ {}، ارسال {}",
        "why_command": "مرحله به مرحله: \u2066qasedak why {}\u2069",
        "why_sent": "فرستاده شد: {}",
        "why_due": "نوبتش: {}",
        "why_caption": "زیر تصویر {} نویسه جا می\u200cشود؛ متن بلندتر به یک جمله کوتاه می\u200cشود.",
        "why_instead": "اگر تلگرام تصویر را نپذیرد، متن کامل بی تصویر می\u200cرود.",
        "why_preview": "تصویر به\u200cشکل پیش\u200cنمایش پیوند، بالای متن.",
        "spoiler": "متن پوشیده",
        "quote": "نقل\u200cقول تاشو",
        "foot": "{} از {} نویسه، {} از {} موجودیت",
        "over": "بیش از اندازهٔ تلگرام",
        "unrendered": "متن این نوشته هنوز ساخته نشده است.",
        "channels": "کانال\u200cها",
        "no_channels": "هنوز کانالی در feeds.yaml نیست.",
        "no_page": "چنین صفحه\u200cای نیست",
        "no_page_known": "این کانال\u200cها هست:",
        "no_token": "این صفحه رمز می\u200cخواهد",
        "no_token_how": "نشانی را با ?token=… باز کنید؛ همان رمز که در QASEDAK_HTTP_TOKEN است.",
        "no_answer": "نشد؛ پایگاه داده جواب نداد",
        "no_answer_how": "کمی بعد دوباره باز کنید. جزئیات در گزارش برنامه است.",
        "pending": "در صف؛ {when}",
        "next": "در صف؛ همین که نوبتش برسد",
        "sending": "در حال ارسال",
        "sent": "فرستاده شد",
        "uncertain": "شاید رفته باشد؛ پیگیری می\u200cشود",
        "held": "نگه داشته شده؛ منتظر تصمیم شما",
        "dead": "فرستاده نشد",
        "dropped": "کنار گذاشته شد",
    },
    "en": {
        "banner": "Preview: nothing was sent to Telegram",
        "post": "{} post",
        "posts": "{} posts",
        "show_marks": "Show invisible marks",
        "hide_marks": "Hide invisible marks",
        "older": "Older posts",
        "empty": "Nothing here yet.",
        "queue": "Waiting; not sent yet",
        "picture": "Picture",
        "audio": "Audio",
        "video": "Video",
        "show_pictures": "Show pictures",
        "hide_pictures": "Hide pictures",
        "templates": "Templates",
        "as_template": "What the posts would be with the template {}.",
        "entities": "entities",
        "why": "why?",
        "why_post": "Post {}, delivery {}",
        "why_command": "Stage by stage: qasedak why {}",
        "why_sent": "Sent: {}",
        "why_due": "Due: {}",
        "why_caption": "A picture's caption holds {} characters; a longer text is shortened to a sentence.",
        "why_instead": "Should Telegram refuse the picture, the whole text goes out without it.",
        "why_preview": "The picture is a link preview, above the text.",
        "spoiler": "Hidden text",
        "quote": "Folded quote",
        "foot": "{} of {} characters, {} of {} entities",
        "over": "more than Telegram takes",
        "unrendered": "The text of this post is not made yet.",
        "channels": "Channels",
        "no_channels": "There is no channel in feeds.yaml yet.",
        "no_page": "There is no such page",
        "no_page_known": "These channels exist:",
        "no_token": "This page asks for a token",
        "no_token_how": "Open its address with ?token=… as set in QASEDAK_HTTP_TOKEN.",
        "no_answer": "That failed: the database did not answer",
        "no_answer_how": "Open the page again later. The log says more.",
        "pending": "Waiting; due {when}",
        "next": "Waiting; goes at its next turn",
        "sending": "Being sent",
        "sent": "Sent",
        "uncertain": "May have been sent; being looked into",
        "held": "Held; waits for your decision",
        "dead": "Not sent",
        "dropped": "Decided against",
    },
}


@cache
def page_templates() -> Environment:
    """The templates of pages; what they are filled with is escaped."""
    return Environment(
        loader=PackageLoader("bot", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )

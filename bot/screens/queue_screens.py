"""What admins see of the queue: what waits for each channel, and what needs a decision. Pure, as ``leafing.py``."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot import render
from bot.labels import translator
from bot.model import DeliveryState, Wait
from bot.screens.leafing import Button, Reader, Screen
from bot.storage.overview import ChannelFigures, Trouble
from bot.web.words import Speech, state_words

#: Deliveries in trouble on one screen, and channels.
PAGE, MOST_CHANNELS = 5, 20
_TITLE = 80  #: characters


@dataclass(frozen=True, slots=True)
class Queue:
    """What waits, and a page of what is in trouble."""

    waiting: int  #: deliveries that are still to go out, to anybody
    channels: Mapping[str, ChannelFigures]  #: by what people call them
    troubles: Sequence[Trouble]
    total: int  #: of deliveries in trouble
    page: int
    dead: int
    paused: Mapping[str, datetime | None]  #: channels that an admin paused, and until when


def queue(found: Queue, speech: Speech, reader: Reader, said: str = "") -> Screen:
    """The answer to /queue; *said* is what was just done."""
    t = translator(reader.language)
    lines = [said, ""] if said else []
    lines += [f"<b>{t('Queue')}</b>"]
    lines.append(
        t("{n} post is in the queue.", "{n} posts are in the queue.", n=found.waiting)
        if found.waiting
        else t("Nothing is waiting.")
    )
    busy = {title: one for title, one in found.channels.items() if one.waiting or one.paused or one.error}
    lines += [f"• {_channel(title, one, found, speech)}" for title, one in list(busy.items())[:MOST_CHANNELS]]
    others = found.waiting - sum(one.waiting for one in found.channels.values())
    if others > 0:
        lines.append("• " + t("Chats that follow by themselves: {n}", n=others))
    rows: list[tuple[Button, ...]] = []
    if found.troubles:
        first = found.page * PAGE
        place = t("{first} to {last} of {total}", first=reader.number(first + 1),
                  last=reader.number(first + len(found.troubles)), total=reader.number(found.total))  # fmt: skip
        lines += ["", f"<b>{t('In trouble')}</b> ({place})"]
        words = state_words(reader.language)
        for number, trouble in enumerate(found.troubles, first + 1):
            lines += [_trouble(number, trouble, words, speech, reader)]
            rows += [row] if (row := _buttons(number, trouble, found.page, reader)) else []
    rows += _turns(found, reader)
    return Screen(render.lay_out("\n".join(lines), reader.language), tuple(rows))


def _channel(title: str, one: ChannelFigures, found: Queue, speech: Speech) -> str:
    t = translator(speech.language)
    line = f"{render.furniture(title)}: {speech.number(one.waiting)}"
    if title in found.paused:
        until = found.paused[title]
        line += t("; ") + speech.paused(until)
    elif one.waiting and one.first_due_at:
        line += t("; ") + t("the first {when}", when=speech.moment(one.first_due_at).ago)
    problem = one.paused or one.error
    return f"{line}. {speech.failure(problem)}" if problem else line


def _trouble(number: int, trouble: Trouble, words: Mapping[str, str], speech: Speech, reader: Reader) -> str:
    t = translator(reader.language)
    title = render.furniture((trouble.title or t("Untitled"))[:_TITLE])
    state = words[trouble.state]
    if trouble.wait is Wait.APPROVAL:
        why = t("waits for an admin's yes")
    else:
        why = speech.failure(trouble.error)
    line = f"{reader.number(number)}. {title} · {render.furniture(trouble.channel)}\n{state}: {why}"
    if trouble.attempts:
        line += t("; ") + t("attempts: {count}", count=trouble.attempts)
    return line


def _buttons(number: int, trouble: Trouble, page: int, reader: Reader) -> tuple[Button, ...]:
    t, shown = translator(reader.language), reader.number(number)
    row: tuple[Button, ...] = ()
    if trouble.state in (DeliveryState.DEAD, DeliveryState.HELD):
        # What waits for a yes was never sent.
        is_new = trouble.wait is Wait.APPROVAL
        label = t("{number}. Post it", number=shown) if is_new else t("{number}. Send again", number=shown)
        row += (Button(label, f"A.queue.r{trouble.delivery_id}.{page}"),)
    if trouble.state is not DeliveryState.UNCERTAIN:
        row += (Button(t("{number}. Leave out", number=shown), f"A.queue.d{trouble.delivery_id}.{page}"),)
    return row


def _turns(found: Queue, reader: Reader) -> list[tuple[Button, ...]]:
    t = translator(reader.language)
    turns = [Button(t("Previous"), f"A.queue.p{found.page - 1}")] if found.page else []
    if (found.page + 1) * PAGE < found.total:
        turns.append(Button(t("Next"), f"A.queue.p{found.page + 1}"))
    last = [Button(t("Send all {n} again", n=found.dead), "A.queue.all")] if found.dead > 1 else []
    last.append(Button(t("Look again"), f"A.queue.p{found.page}"))
    return [tuple(row) for row in (turns, last) if row]

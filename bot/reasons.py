"""Why a post came or did not, stage by stage and in plain words: what `qasedak why` and /why say. Pure.

The stages are those of a post's way: read, identity, date, and for each chat filters, quiet hours, budget, outbox. What
is stored beside a verdict is English; the known ones are said here in the reader's language.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.labels import catalog, translator
from bot.model import FUTURE, Channel, DeliveryState, Language, Verdict, Wait
from bot.outbox.quiet_hours import quiet_until
from bot.routing import Decision
from bot.storage.inquiry import HOUR, Case, ChatCase, FeedCase
from bot.text import persian, relative

Say = Callable[..., str]


class Reasons:
    """Says it in one language, with times as seen from *now* in a zone; *channels* are those of feeds.yaml."""

    def __init__(
        self,
        language: Language,
        zone: ZoneInfo,
        now: datetime,
        channels: Mapping[str, Channel],
        shown: Callable[[str], str] = str,
    ) -> None:
        self._shown = shown  # what is done to words of feeds where they could be more than words
        self._t: Say = translator(language)
        self._language, self._zone, self._now, self._channels = language, zone, now, channels

    def of(self, case: Case) -> list[str]:
        """A line for each stage of one post's way."""
        t, post = self._t, case.post
        lines = [
            t("Post {number}: {title}", number=post.id, title=self._foreign(post.entry.title or post.ident)),
            t("Read: {said}", said=self._read(case.feed)),
            t("Identity: {said}", said=self._identity(case)),
            t("Date: {said}", said=self._date(case)),
        ]
        if not case.chats and case.feed.names:
            lines.append(t("No channel receives this feed; add one to its `to` in feeds.yaml."))
        for chat in case.chats:
            lines += ["", t("Channel {name}", name=self._foreign(chat.channel)), *self._chat(chat)]
        if case.followers:
            lines += ["", t("Chats that follow by themselves and get it: {count}", count=case.followers)]
        return lines

    def nothing(self, asked: str, near: Sequence[FeedCase]) -> list[str]:
        """No post is known by what was asked; *near* are feeds of the same site."""
        t = self._t
        lines = [t("No stored post is known by {asked}.", asked=self._foreign(asked))]
        for feed in near:
            lines.append(t("Read: {said}", said=self._read(feed)))
        if near:
            lines.append(t("The feed did not list it when it was read; `qasedak read` shows what it lists now."))
        else:
            lines.append(
                t("No feed of that site is in feeds.yaml; {command} adds one.", command=self._command("addfeed"))
            )
        return lines

    def refused(self, decision: Decision) -> str:
        """Why a post would not go somewhere."""
        return self._reason(decision.reason)

    # --- the post ----------------------------------------------------------------------------------------------

    def _read(self, feed: FeedCase) -> str:
        t = self._t
        names = self._foreign(", ".join(feed.names)) if feed.names else t("a chat, not a feed")
        if feed.read_at is None:
            return t("{feed}, not read yet", feed=names)
        if feed.error:
            said = t("{feed}, last read {ago}; the last try failed: {error}", feed=names, ago=self._ago(feed.read_at),
                     error=self._foreign(feed.error))  # fmt: skip
            return f"{said}; " + t("next reading {when}", when=self._ago(feed.next_at))
        return t("{feed}, last read {ago}", feed=names, ago=self._ago(feed.read_at))

    def _identity(self, case: Case) -> str:
        t = self._t
        how = {"guid": t("by its guid"), "link": t("by its link"), "content": t("by its words")}[case.known_by]
        said = t("known {how}, first seen {ago}", how=how, ago=self._ago(case.post.first_seen))
        if case.edit_count:
            said += "; " + t("changes since: {count}", count=case.edit_count)
        return said

    def _date(self, case: Case) -> str:
        t, published = self._t, case.post.entry.published
        if published is None:
            return t("none given; the moment it was first seen counts")
        if published > case.post.first_seen + FUTURE:
            return t("in the future when it came; the moment it was first seen counts")
        return self._ago(published)

    # --- one chat ----------------------------------------------------------------------------------------------

    def _chat(self, chat: ChatCase) -> list[str]:
        t = self._t
        if chat.state is None:
            return [t("Filters: {said}", said=self._verdict(chat))]
        lines = [t("Filters: {said}", said=t("it passed"))]
        if chat.state is not DeliveryState.SENT:
            lines += [t("Quiet hours: {said}", said=self._quiet(chat)), t("Budget: {said}", said=self._budget(chat))]
        return [*lines, t("Outbox: {said}", said=self._outbox(chat))]

    def _verdict(self, chat: ChatCase) -> str:
        t = self._t
        match chat.verdict:
            case Verdict.BASELINE:
                said = t("not for publishing")
            case Verdict.FILTERED:
                said = t("filtered")
            case Verdict.TOO_OLD:
                said = t("too old")
            case Verdict.DUPLICATE:
                said = t("told there before")
            case Verdict.HELD:
                said = t("held for a person")
            case _:
                said = t("it passed")
        return f"{said}: {self._reason(chat.reason)}" if chat.reason else said

    def _reason(self, reason: str) -> str:
        """A stored reason in the reader's language; one that is not known stays as it is."""
        t = self._t
        known: list[tuple[str, Callable[[re.Match[str]], str]]] = [
            (r"exclude: (.*)", lambda m: t("exclude names {words}", words=self._foreign(m[1]))),
            (
                r"it says nothing of include: (.*)",
                lambda m: t("it says nothing of include: {words}", words=self._foreign(m[1])),
            ),
            (
                r"its language is (\w+); only (.*) goes here",
                lambda m: t("its language is {one}; only {others} goes here", one=m[1], others=m[2]),
            ),
            (
                r"(\w+) old when it appeared; max_age is (\w+)",
                lambda m: t("{age} old when it appeared; max_age is {limit}", age=m[1], limit=m[2]),
            ),
            (
                r"it tells the same story as (.*)",
                lambda m: t("it tells the same story as {other}", other=self._foreign(m[1])),
            ),
            (
                r"it links to the same page as (.*)",
                lambda m: t("it links to the same page as {other}", other=self._foreign(m[1])),
            ),
            (r"there at the first reading", lambda _m: t("it was there at the first reading (backfill)")),
            (r"there before this chat was added", lambda _m: t("it was there before this chat was added")),
        ]
        found = ((re.fullmatch(pattern, reason), said) for pattern, said in known)
        return next((said(match) for match, said in found if match), self._foreign(reason))

    def _quiet(self, chat: ChatCase) -> str:
        t, channel = self._t, self._channels.get(chat.channel)
        if channel is None or not channel.quiet_hours:
            return t("none set")
        until = quiet_until(channel.quiet_hours, ZoneInfo(channel.timezone), self._now)
        return t("quiet now; it goes on {when}", when=self._ago(until)) if until else t("not now")

    def _budget(self, chat: ChatCase) -> str:
        t, channel = self._t, self._channels.get(chat.channel)
        most = channel.max_per_hour if channel else None
        if most is None:
            return t("no limit")
        return t("{count} of {most} in the last {minutes} minutes", count=chat.sent_in_hour, most=most,
                 minutes=int(HOUR.total_seconds() // 60))  # fmt: skip

    def _outbox(self, chat: ChatCase) -> str:
        t = self._t
        match chat.state:
            case DeliveryState.SENT:
                said = t("sent {ago}", ago=self._ago(chat.sent_at or self._now))
                return f"{said} {self._foreign(chat.message_link)}" if chat.message_link else said
            case DeliveryState.PENDING:
                said = t("waits")
                if chat.wait is Wait.PAUSED:
                    return t("kept: an admin paused it; {command} sends it", command=self._command("resume"))
                if chat.due_at and chat.due_at > self._now:
                    said = t("waits, and is tried {when}", when=self._ago(chat.due_at))
            case DeliveryState.SENDING:
                said = t("is being sent")
            case DeliveryState.UNCERTAIN:
                said = t("may have been sent; that is being found out")
            case DeliveryState.HELD:
                said = t("held for a person; {command} or `qasedak retry` sends it", command=self._command("queue"))
            case DeliveryState.DEAD:
                said = t("given up; {command} or `qasedak retry` tries again", command=self._command("retry"))
            case _:
                said = t("taken out")
        if chat.attempts:
            said += "; " + t("attempts: {count}", count=chat.attempts)
        if chat.error:
            said += f": {self._foreign(chat.error)}"
        return f"{said}; " + t("the chat is paused: {why}", why=self._foreign(chat.paused)) if chat.paused else said

    # --- words -------------------------------------------------------------------------------------------------

    def _ago(self, when: datetime) -> str:
        said = relative.ago(when, self._now, self._language, self._zone, catalog(self._language))
        local = when.astimezone(self._zone)
        return f"{said} ({self._foreign(f'{local:%Y-%m-%d %H:%M}')})"

    def _command(self, name: str) -> str:
        return persian.isolate(f"/{name}", "ltr") if self._language == "fa" else f"/{name}"

    def _foreign(self, text: str) -> str:
        """Words of feeds and errors inside a line of ours: in Persian fenced off, so that they reorder nothing."""
        plain = self._shown(persian.strip_controls(text).replace("\n", " "))
        return persian.isolate(plain, None) if self._language == "fa" else plain

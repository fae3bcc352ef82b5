"""Full text over what is stored: an index of folded words beside the posts, and the question that reads it.

SQLite keeps the words in an FTS5 table, PostgreSQL in a ``tsvector``; both get the words as ``text/words.py`` forms
them and neither folds, stems or splits anything itself, so that one query finds the same posts on both. A row's key is
its ``place``: the post's minute, then its id. The index is therefore in the order of time, which makes "newest first"
and a range of days cheap for the commonest word. Written in the transaction of the post; reads decide nothing.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Connection, delete, func, insert, select, text

from bot.model import Entry, FeedKind, Post
from bot.storage import records
from bot.storage.dialects import upsert_all
from bot.storage.schema import feed_names, feeds, posts, search_places, unindexed
from bot.text import markup, persian, snippet, words
from bot.text.query import SearchQuery, Term, Where, with_neighbours
from bot.text.snippet import Snippet

#: Of everything that matches, so many of the newest are ranked, and so many of the newest with the words in the title.
CANDIDATES, TITLE_CANDIDATES = 500, 100
#: Words of a body that are indexed; PostgreSQL counts positions to 16,383.
_MOST_WORDS = 12_000
_MOST_CHARS = 200_000
_ID_BITS = 32
_ID_MASK = (1 << _ID_BITS) - 1
_YEAR_ONE = datetime(1, 1, 1, tzinfo=UTC)
_MINUTE = timedelta(minutes=1)
_EARLIEST, _LATEST = date(2, 1, 1), date(4000, 1, 1)
#: After so long a post of the same words counts half of what is new in freshness.
_HALF_LIFE_DAYS = 365
#: Characters of a title that a list of hits shows.
TITLE_LENGTH = 200
_CHUNK = 500
_PARTS = ("title", "tags", "author", "body", "parts", "marks")
#: PostgreSQL's labels for them; ``ts_rank`` weighs A 1, B 0.4, C 0.2 and D 0.1.
_LABELS = {"title": "A", "tags": "B", "author": "C", "body": "", "parts": "", "marks": ""}
#: There, words of these parts are in the index a second time, with a sign: its index does not know the labels.
_SIGNS = {"title": "=w", "author": "=a"}


@dataclass(frozen=True, slots=True)
class Hit:
    """A post that was found, and where."""

    post: Post
    feed: str  #: its name in feeds.yaml
    score: float  #: comparable within one answer only
    title: Snippet
    snippet: Snippet


@dataclass(frozen=True, slots=True)
class Page:
    """A part of what a query finds."""

    hits: tuple[Hit, ...]
    total: int  #: ``CANDIDATES`` says: that many or more
    query: SearchQuery  #: what was asked in the end: days may have been taken for words


# --- writing -------------------------------------------------------------------------------------------------


def index(connection: Connection, entries: Mapping[int, Entry]) -> None:
    """Index these posts, given by their ids, anew; they are stored already."""
    for start in range(0, len(entries), _CHUNK):
        ids = sorted(entries)[start : start + _CHUNK]
        _forget(connection, ids)
        rows = connection.execute(select(posts.c.id, posts.c.feed_id, posts.c.effective_at).where(posts.c.id.in_(ids)))
        fresh = [(row.id, place_of(row.effective_at, row.id), _columns(entries[row.id], row.feed_id)) for row in rows]
        if not fresh:
            continue
        connection.execute(insert(search_places), [{"post_id": post_id, "place": place} for post_id, place, _ in fresh])
        is_sqlite = connection.dialect.name == "sqlite"
        connection.execute(
            _INSERT_SQLITE if is_sqlite else _INSERT_POSTGRESQL,
            [{"place": place, **(_joined(columns) if is_sqlite else _vector(columns))} for _, place, columns in fresh],
        )


_INSERT_SQLITE = text(
    "INSERT INTO post_words (rowid, title, tags, author, body, parts, marks)"
    " VALUES (:place, :title, :tags, :author, :body, :parts, :marks)"
)
_INSERT_POSTGRESQL = text("INSERT INTO post_words (place, words) VALUES (:place, CAST(:vector AS tsvector))")


def _forget(connection: Connection, ids: Sequence[int]) -> None:
    places = list(connection.execute(select(search_places.c.place).where(search_places.c.post_id.in_(ids))).scalars())
    if not places:
        return
    key = "rowid" if connection.dialect.name == "sqlite" else "place"
    connection.execute(
        text(f"DELETE FROM post_words WHERE {key} = :place"),  # noqa: S608 (one of two names of ours)
        [{"place": place} for place in places],
    )
    connection.execute(delete(search_places).where(search_places.c.post_id.in_(ids)))


def put_down(connection: Connection, post_ids: Collection[int]) -> None:
    """Note posts whose words are new, in the transaction that stores them; ``index_waiting`` does the work.

    To fold a text takes milliseconds: a reading of many posts does not wait for it.
    """
    if post_ids:
        rows = [{"post_id": post_id} for post_id in sorted(post_ids)]
        upsert_all(connection, unindexed, rows, ["post_id"])


def index_waiting(connection: Connection, limit: int) -> int:
    """Index up to *limit* of the posts that were put down, the oldest first; how many were."""
    waiting = list(
        connection.execute(
            select(unindexed.c.post_id).order_by(unindexed.c.post_id).limit(limit).with_for_update(skip_locked=True)
        ).scalars()
    )
    rows = connection.execute(select(posts).where(posts.c.id.in_(waiting)))
    index(connection, {row.id: records.post_of(row).entry for row in rows})
    connection.execute(delete(unindexed).where(unindexed.c.post_id.in_(waiting)))
    return len(waiting)


def count_waiting(connection: Connection) -> int:
    """Posts whose newest words no search can find yet."""
    return connection.execute(select(func.count()).select_from(unindexed)).scalar_one()


def place_of(at: datetime, post_id: int = 0) -> int:
    """The key of a post in the index: keys are in the order of time, and those of one minute in that of their ids."""
    minutes = min((at - _YEAR_ONE) // _MINUTE, (1 << 31) - 1)  # until the year 4084; a key has 63 bits
    return (minutes << _ID_BITS) | (post_id & _ID_MASK)


def _columns(entry: Entry, feed_id: int) -> dict[str, list[str]]:
    """The words of each part of a post, and the marks by which filters know it; a mark is no word: it has a sign."""
    said = {
        "title": words.words(entry.title or ""),
        "tags": words.words(" ".join(tag.replace("_", " ") for tag in entry.tags)),
        "author": words.words(entry.author or ""),
        "body": words.words(markup.plain(entry.fullest or entry.summary or "")[:_MOST_CHARS])[:_MOST_WORDS],
    }
    forms = {name: [word.form for word in found] for name, found in said.items()}
    parts = dict.fromkeys(part for found in said.values() for word in found for part in word.parts)
    keys = dict.fromkeys(persian.key_fold(tag)[: words.LONGEST] for tag in entry.tags)
    return {**forms, "parts": list(parts), "marks": [_feed_mark(feed_id), *(f"=t{key}" for key in keys if key)]}


def _feed_mark(feed_id: int) -> str:
    return f"=f{feed_id}"


def _joined(columns: Mapping[str, Sequence[str]]) -> dict[str, str]:
    return {name: " ".join(forms) for name, forms in columns.items()}


def _vector(columns: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """PostgreSQL's own notation, 'word':1A,7B: words are letters and digits only, so nothing needs escaping."""
    places: dict[str, list[str]] = {}
    at = 0
    for name in _PARTS:
        for form in columns[name]:
            at += 1
            found = places.setdefault(form, [])
            if len(found) < 255:  # more are dropped, with a notice for each
                found.append(f"{min(at, 16_383)}{_LABELS[name]}")
        at += 10  # no phrase reaches from one part into the next
    words_of = [f"'{form}':{','.join(found)}" for form, found in places.items()]
    signed = [f"'{sign}{form}'" for name, sign in _SIGNS.items() for form in dict.fromkeys(columns[name])]
    return {"vector": " ".join(words_of + signed)}


# --- reading -------------------------------------------------------------------------------------------------


def find(
    connection: Connection, query: SearchQuery, limit: int, offset: int = 0, *, zone: ZoneInfo, now: datetime
) -> Page:
    """What a query finds among the posts that people may see, the best first; the newest first where it has no words.

    ``zone`` is that in which its days are days. Days that find nothing are taken for words.
    """
    ranked = _ranked(connection, query, zone, now)
    literal = query.literal()
    if not ranked and literal is not None:
        query, ranked = literal, _ranked(connection, literal, zone, now)
    chosen = ranked[offset : offset + limit]
    return Page(tuple(_hits(connection, chosen, query)), len(ranked), query)


@dataclass(frozen=True, slots=True)
class _Candidate:
    post_id: int
    score: float


def _ranked(connection: Connection, query: SearchQuery, zone: ZoneInfo, now: datetime) -> list[_Candidate]:
    bounds = _bounds(query, zone)
    feed_ids = _feed_ids(connection, query.feeds)
    if feed_ids is not None and not feed_ids:
        return []
    if not query.terms and not feed_ids:
        return [_Candidate(post_id, 0.0) for post_id in _newest(connection, query, zone)]
    matching = _fts5_matching if connection.dialect.name == "sqlite" else _tsquery_matching
    found = matching(connection, query.terms, feed_ids or (), bounds, CANDIDATES, in_title=False)
    if len(found) == CANDIDATES and any(term.where is Where.TEXT for term in query.terms):
        # An old post with the words in its title is better than a new one that mentions them.
        found |= matching(connection, query.terms, feed_ids or (), bounds, TITLE_CANDIDATES, in_title=True)
    scored = [(place, score * _freshness(place, now)) for place, score in found.items()]
    scored.sort(key=lambda each: (-each[1], -each[0]))
    return [_Candidate(place & _ID_MASK, score) for place, score in scored]


def _bounds(query: SearchQuery, zone: ZoneInfo) -> tuple[int, int]:
    """The first place of the query's days, and the last."""
    first = place_of(_midnight(query.earliest, zone)) if query.earliest else 0
    last = place_of(_midnight(query.latest, zone, days=1)) - 1 if query.latest else (1 << 63) - 1
    return first, last


def _midnight(day: date, zone: ZoneInfo, days: int = 0) -> datetime:
    kept = min(max(day, _EARLIEST), _LATEST)  # beyond them is no post, and arithmetic ends
    return datetime.combine(kept + timedelta(days=days), time(), zone)


def _feed_ids(connection: Connection, names: Sequence[str]) -> list[int] | None:
    """The feeds of these names, folded as people may write them; None where none is named."""
    if not names:
        return None
    wanted = {persian.key_fold(name) for name in names}
    return sorted(
        {
            row.feed_id
            for row in connection.execute(
                select(feed_names.c.feed_id, feed_names.c.name, feeds.c.title).join(
                    feeds, feeds.c.id == feed_names.c.feed_id
                )
            )
            if wanted & {persian.key_fold(row.name), persian.key_fold(row.title or "")}
        }
    )


def is_visible() -> ColumnElement[bool]:
    """Whether people may see a post: it waits for nobody's decision, and its feed is in feeds.yaml."""
    held = select(posts.c.id).where(posts.c.held.is_not(None))
    # + 0: the feeds are to be looked at in the order of time, not the times of feed after feed.
    named = select(feed_names.c.feed_id).where(feed_names.c.active)
    by_hand = select(feeds.c.id).where(feeds.c.kind == FeedKind.CHAT)
    return posts.c.id.not_in(held) & (posts.c.feed_id + 0).in_(named.union_all(by_hand))


def _newest(connection: Connection, query: SearchQuery, zone: ZoneInfo) -> Sequence[int]:
    days = []
    if query.earliest:
        days.append(posts.c.effective_at >= _midnight(query.earliest, zone))
    if query.latest:
        days.append(posts.c.effective_at < _midnight(query.latest, zone, days=1))
    newest = select(posts.c.id).where(is_visible(), *days)
    return (
        connection.execute(newest.order_by(posts.c.effective_at.desc(), posts.c.id.desc()).limit(CANDIDATES))
        .scalars()
        .all()
    )


_VISIBLE = (
    " AND posts.id NOT IN (SELECT id FROM posts WHERE held IS NOT NULL)"
    " AND posts.feed_id + 0 IN"
    " (SELECT feed_id FROM feed_names WHERE active UNION ALL SELECT id FROM feeds WHERE kind = 'chat')"
)


# --- SQLite --------------------------------------------------------------------------------------------------

#: The index comes first and in its order; each row's post is looked up by its id, until there are enough.
FTS5 = text(
    "SELECT post_words.rowid AS place, -bm25(post_words, 10.0, 5.0, 5.0, 1.0, 0.5, 0.0) AS score"  # noqa: S608 (ours)
    " FROM post_words CROSS JOIN posts ON posts.id = post_words.rowid & :mask"
    " WHERE post_words MATCH :matching AND post_words.rowid BETWEEN :first AND :last"
    + _VISIBLE
    + " ORDER BY post_words.rowid DESC LIMIT :limit"
)


def _fts5_matching(
    connection: Connection,
    terms: Sequence[Term],
    feed_ids: Sequence[int],
    bounds: tuple[int, int],
    limit: int,
    *,
    in_title: bool,
) -> dict[int, float]:
    matching = fts5(terms, feed_ids, in_title=in_title)
    values = {"matching": matching, "first": bounds[0], "last": bounds[1], "limit": limit, "mask": _ID_MASK}
    return {row.place: float(row.score) for row in connection.execute(FTS5, values)}


def fts5(terms: Sequence[Term], feed_ids: Iterable[int] = (), *, in_title: bool = False) -> str:
    """The terms in the words of FTS5. Every form is letters and digits, in quotes: nothing can be an operator."""
    wanted = []
    for term, forms in zip(terms, with_neighbours(terms), strict=True):
        column = {Where.AUTHOR: "author : ", Where.TAG: "marks : "}.get(term.where, "title : " if in_title else "")
        sign = "=t" if term.where is Where.TAG else ""
        either = [f'"{sign}{form}"' for form in forms]
        if term.is_prefix:  # the whole word counts twice
            either.append(f'"{forms[0]}" *')
        wanted.append(f"{column}({' OR '.join(either)})")
    if marks := " OR ".join(f'"{_feed_mark(feed_id)}"' for feed_id in feed_ids):
        wanted.append(f"marks : ({marks})")
    return " AND ".join(wanted)


# --- PostgreSQL ----------------------------------------------------------------------------------------------

#: The planner does not know that looking into a row's words costs more than the row, and would rather walk through all
#: rows than ask the index. So it may not, and "+ 0" keeps it from walking along the keys. Each query gets a plan of its
#: own: rare words want another than common ones. Parallel workers, and compiling a plan, take longer than the query.
PLANNER = text(
    "SELECT set_config('enable_seqscan', 'off', true), set_config('plan_cache_mode', 'force_custom_plan', true),"
    " set_config('jit', 'off', true), set_config('max_parallel_workers_per_gather', '0', true)"
)
PLACES = text(
    "SELECT place FROM post_words WHERE words @@ CAST(:matching AS tsquery) AND place + 0 BETWEEN :first AND :last"
    " ORDER BY place + 0 DESC LIMIT :limit"
)
_SCORES = text(
    "SELECT post_words.place, ts_rank(post_words.words, CAST(:matching AS tsquery), 1) AS score"  # noqa: S608 (ours)
    " FROM post_words JOIN posts ON posts.id = post_words.place & :mask"
    " WHERE post_words.place = ANY(CAST(:places AS bigint[])) AND post_words.words @@ CAST(:matching AS tsquery)"
    + _VISIBLE
)
#: Posts with all the words of a phrase into which we look for it, the newest first: the index knows no order of words.
_MOST_LOOKED_INTO = 2_000


def _tsquery_matching(
    connection: Connection,
    terms: Sequence[Term],
    feed_ids: Sequence[int],
    bounds: tuple[int, int],
    limit: int,
    *,
    in_title: bool,
) -> dict[int, float]:
    loose = tsquery(terms, feed_ids, in_title=in_title, with_order=False)
    exact = tsquery(terms, feed_ids)
    connection.execute(PLANNER)
    has_phrase = any(len(term.forms) > 1 for term in terms)
    size = _MOST_LOOKED_INTO if has_phrase else limit
    found: dict[int, float] = {}
    last = bounds[1]
    while True:
        values = {"matching": loose, "first": bounds[0], "last": last, "limit": size}
        places = connection.execute(PLACES, values).scalars().all()
        for start in range(0, len(places), limit):
            some = {"matching": exact, "places": list(places[start : start + limit]), "mask": _ID_MASK}
            found |= {row.place: float(row.score) for row in connection.execute(_SCORES, some)}
            if len(found) >= limit:
                break
        if len(found) >= limit or len(places) < size or has_phrase:
            return {place: found[place] for place in sorted(found, reverse=True)[:limit]}
        last = places[-1] - 1  # some of them nobody may see


def tsquery(
    terms: Sequence[Term], feed_ids: Iterable[int] = (), *, in_title: bool = False, with_order: bool = True
) -> str:
    """The terms in PostgreSQL's notation of a ``tsquery``; without order, the words of phrases are looked for apart."""
    wanted = []
    for term, forms in zip(terms, with_neighbours(terms), strict=True):
        sign = {Where.AUTHOR: "=a", Where.TAG: "=t"}.get(term.where, "=w" if in_title else "")
        # Words with a sign have no positions: in a title they are looked for apart, and the phrase in the whole.
        joint = " <-> " if with_order and not sign else " & "
        either = [f"({joint.join(_quoted(sign, form.split()))})" for form in forms]
        if term.is_prefix:
            either.append(f"'{sign}{forms[0]}':*")
        wanted.append(f"({' | '.join(either)})")
    if marks := " | ".join(f"'{_feed_mark(feed_id)}'" for feed_id in feed_ids):
        wanted.append(f"({marks})")
    return " & ".join(wanted)


def _quoted(sign: str, forms: Iterable[str]) -> list[str]:
    return [f"'{sign}{form}'" for form in forms]


# --- hits ----------------------------------------------------------------------------------------------------


def _freshness(place: int, now: datetime) -> float:
    """From 1 for what is new to a half for what is old: between like posts the newer is better, no more than that."""
    age_days = ((place_of(now) >> _ID_BITS) - (place >> _ID_BITS)) / (24 * 60)
    return float(0.5 + 0.5 * 2 ** (-max(age_days, 0) / _HALF_LIFE_DAYS))


def _hits(connection: Connection, chosen: Sequence[_Candidate], query: SearchQuery) -> Iterable[Hit]:
    found = load(connection, [candidate.post_id for candidate in chosen])
    for candidate in chosen:
        if candidate.post_id not in found:
            continue
        name, post = found[candidate.post_id]
        body = markup.plain(post.entry.fullest or post.entry.summary or "")
        terms = query.terms
        yield Hit(
            post,
            name,
            candidate.score,
            snippet.cut(persian.strip_controls(post.entry.title or ""), terms, TITLE_LENGTH),
            snippet.cut(persian.strip_controls(body), terms),
        )


def load(connection: Connection, post_ids: Sequence[int]) -> dict[int, tuple[str, Post]]:
    """Posts by their ids, each with its feed's name."""
    rows = connection.execute(
        select(*posts.c, feeds.c.title.label("feed_title"), feeds.c.home.label("feed_home"))
        .join(feeds, feeds.c.id == posts.c.feed_id)
        .where(posts.c.id.in_(post_ids))
    ).all()
    names = {
        row.feed_id: row.name
        for row in connection.execute(
            select(feed_names.c.feed_id, feed_names.c.name)
            .where(feed_names.c.feed_id.in_({row.feed_id for row in rows}))
            .order_by(feed_names.c.active, feed_names.c.name.desc())
        )
    }
    return {row.id: (names.get(row.feed_id) or row.feed_title or "", records.post_of(row)) for row in rows}

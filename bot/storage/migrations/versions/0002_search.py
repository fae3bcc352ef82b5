"""The search index: a table that each database makes in its own way.

Revision: 0002, after 0001. Written by hand: Alembic knows neither virtual tables nor storage parameters.
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        # ascii: every other character belongs to a word. The words come folded and apart (text/words.py).
        op.execute(
            "CREATE VIRTUAL TABLE post_words USING fts5(title, tags, author, body, parts, marks,"
            " tokenize = \"ascii tokenchars '='\", prefix = '3')"
        )
        return
    # The words go out of line: rows that are only looked at for their order stay short.
    op.execute(
        "CREATE TABLE post_words (place bigint NOT NULL CONSTRAINT pk_post_words PRIMARY KEY, words tsvector NOT NULL)"
        " WITH (toast_tuple_target = 128)"
    )
    op.execute("CREATE INDEX ix_post_words_words ON post_words USING gin (words)")

"""Titles that admins give to posts which wait for them.

Revision: 0003, after 0002.
"""

import sqlalchemy as sa
from alembic import op

from bot.storage.schema import Instant

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("deliveries", sa.Column("title", sa.Text()))
    for column in (
        sa.Column("prompt_id", sa.BigInteger()),
        sa.Column("titled_at", Instant()),
        sa.Column("titled_by", sa.BigInteger()),
        sa.Column("titled_name", sa.Text()),
    ):
        op.add_column("approvals", column)

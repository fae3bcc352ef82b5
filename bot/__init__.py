"""Qasedak: from feeds and a local archive to Telegram channels, each post once, with its date in two calendars.

A **Source** reads a **Feed** into **Entries**; the **Store** keeps the new ones as **Posts** and, in the same
transaction, one **Delivery** for each chat that wants it; the **Outbox** claims what is due, **renders** it to
**Messages**, and the **Sender** gives them to Telegram.

One post can be followed through six files, in this order:

1. ``poller.py``             claims due feeds; reads, identifies, ingests; decides when to ask again
2. ``sources/``              turns bytes into entries: ``fetch.py`` and ``feed.py``, or ``archive.py``
3. ``storage/ingest.py``     posts, deliveries and validators, in one transaction
4. ``outbox/delivering.py``  claims a chat's lane; renders, sends, settles; pacing and retries
5. ``render/``               a post and a subscription become messages; pure
6. ``sender/``               a message goes to the Bot API or to the local preview; errors become ours

Round that path stand ``config/`` (what the operator wrote), ``commands/``, ``screens/`` and ``admin/`` (the bot that
answers), ``web/`` (the pages) and ``cli/``; ``app.py`` puts a process together.

The nouns are those of ``docs/glossary.md``; the imports point down, and ``lint-imports`` holds them to it.
"""

__version__ = "0.1.0"

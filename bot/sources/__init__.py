"""(2) Sources: each reads one kind of feed into entries. They know nothing of the store.

``fetch.py`` gets bytes over HTTP, ``parsing.py`` has them parsed in child processes (``document.py``, ``mending.py``),
``feed.py`` makes entries of them; ``archive.py`` reads local files, with one file for each format beside it.
"""

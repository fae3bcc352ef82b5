"""(2) Sources: each reads one kind of feed into entries. They know nothing of the store.

``fetch.py`` gets bytes over HTTP, ``document.py`` parses them in a child process, ``feed.py`` makes entries of them;
``archive.py`` reads local files, with one file for each format beside it.
"""

"""The pages that a browser or a feed reader asks for, apart from the preview: each room draws one of them.

``site.py`` serves them. They read through the functions of ``storage/`` and change nothing.

- ``status``: the page at ``/``: asks the database, and puts the rest together
- ``rows``: what that page says of channels, feeds and deliveries, as pure decisions
- ``charts``: the heat map and the sparks, as plain SVG
- ``syndication``: a channel as a feed
- ``words``: what it says, in both languages
"""

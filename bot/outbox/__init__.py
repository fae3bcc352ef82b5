"""(4) What is on its way to chats. ``delivering.py`` is the loop; the other rooms decide when, what, and how again."""

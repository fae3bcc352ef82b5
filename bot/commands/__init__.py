"""The bot that answers people: ``updates.py`` takes what comes, the other rooms know what to say to whom."""

"""What admins do from a chat: each command is a room; ``control.py`` knows which, ``commands/`` hands them over."""

"""The suite's own stand-ins at the three seams: the clock, the publishers' HTTP, and Telegram.

Each is a real thing of its kind (a server on loopback, a callable), so what is tested is tested through its
seam. Nothing here is imported by ``bot``, and nothing here imports it.
"""

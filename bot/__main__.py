"""``qasedak`` and ``python -m bot``: the door, kept light.

The parser's child process imports the main module of its parent again (multiprocessing's rule for every start method
but fork). What stands here is all that it gets of the command line: 10 MB instead of a hundred.
"""


def main() -> None:
    """Run the command line."""
    from bot.cli import main as run

    run()


if __name__ == "__main__":
    main()

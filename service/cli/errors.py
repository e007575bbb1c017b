"""What the command line says when it cannot go on."""


class CommandError(Exception):
    """A command cannot go on; the message tells the user what to do."""

"""The two ways a run can end badly for a reason that a person can mend.

Everything else is a defect of the program. The command line prints the message of these two as
its last line, without a trace, and turns them into the exit status.
"""


class UsageError(Exception):
    """A wrong option, configuration value, path or folder (exit status 2)."""


class ContentError(Exception):
    """Input that can't be read or tables that fail their checks (exit status 1)."""


class CheckError(ContentError):
    """A rule that the tables must keep is broken: nothing is published."""

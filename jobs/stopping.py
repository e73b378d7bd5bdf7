"""How long a worker that is asked to stop may take, for itself and for whoever waits for its end."""

from datetime import timedelta

DRAIN = timedelta(seconds=20)
"""How long a stopping worker lets its jobs finish: what is on the wire, and no more."""

CLOSE_WITHIN = timedelta(seconds=8)
"""How long jobs that it then cancels may take to end, and how long it takes after that to store what it knows."""

DISCONNECT_WITHIN = timedelta(seconds=10)
"""How long statements that still run are waited for at the very end (models/database.py)."""

STOP_WITHIN = DRAIN + 2 * CLOSE_WITHIN + DISCONNECT_WITHIN
"""The longest that all of it takes, when nothing answers any more."""

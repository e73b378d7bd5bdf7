"""How long whoever has a connection to us is waited for, whatever they are to do on it."""

PATIENCE = 60.0
"""Seconds in which a body must have come whole, a part of an answer have been taken, or a mail server have said anything.

So who sends or takes nothing holds no connection for long, whether or not their machine answers.
"""

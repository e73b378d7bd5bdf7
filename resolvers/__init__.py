"""Answers: each takes arguments, asks who is calling, calls one model verb, and returns models."""

"""Weeks of a made-up shop on a clock that jumps, and what its automated plans should have sent in them.

`happenings` are the words, `script` invents what happens from a seed, `occasions` and `expected` say in plain Python
who should get what (none of these imports anything of the project), and `stage` plays it on the real engines, looked
after by `hand`, and compares.
"""

"""Conditions on customers: the language, its JSON and text forms, its compiler and its plain evaluation."""

from models.condition.compile import Compiled, compile_condition
from models.condition.document import parse, read_stored, stored
from models.condition.leaves import Scope
from models.condition.presets import PRESETS, SegmentPreset
from models.condition.tree import Condition, Definition

__all__ = [
    "PRESETS",
    "Compiled",
    "Condition",
    "Definition",
    "Scope",
    "SegmentPreset",
    "compile_condition",
    "parse",
    "read_stored",
    "stored",
]

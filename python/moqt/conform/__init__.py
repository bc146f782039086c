"""Conformance of MOQT endpoints, anybody's: the program ``moqt-conform``, and its catalogue of cases.

It speaks raw QUIC and writes and reads the bytes of each draft by itself, so that it finds faults of the library's own
codec, too.
"""

from moqt.conform.cases import Case, Level, Role, catalogue
from moqt.conform.run import Outcome, Result, run_all, run_case, select
from moqt.conform.world import Target

__all__ = ["Case", "Level", "Outcome", "Result", "Role", "Target", "catalogue", "run_all", "run_case", "select"]

"""Rollcall from other software: `Rollcall(address, key)`. Needs nothing else of this project."""

from client.rollcall import Enrolled, Face, Rollcall, RollcallProblem, Sample, Subject

__all__ = ["Enrolled", "Face", "Rollcall", "RollcallProblem", "Sample", "Subject"]

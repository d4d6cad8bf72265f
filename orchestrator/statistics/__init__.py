"""What a sweep's results say and how surely: pure functions of plain data, one subject a file."""

from orchestrator.statistics.configurations import Configuration, configurations
from orchestrator.statistics.effects import Effect, effects
from orchestrator.statistics.importance import Importance, importance
from orchestrator.statistics.interactions import Interaction, interactions
from orchestrator.statistics.intervals import Change, InterquartileMean, Share, change, middle, share
from orchestrator.statistics.result import Result
from orchestrator.statistics.survival import Curve, survival

__all__ = [
    "Change",
    "Configuration",
    "Curve",
    "Effect",
    "Importance",
    "Interaction",
    "InterquartileMean",
    "Result",
    "Share",
    "change",
    "configurations",
    "effects",
    "importance",
    "interactions",
    "middle",
    "share",
    "survival",
]

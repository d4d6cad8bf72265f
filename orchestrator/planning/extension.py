"""Trials of which only the number of steps has grown: they go on from where the shorter ones are.

What comes out is to the bit what training from step 0 gives.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from pydantic import ValidationError

from gan_core.config.identity import trial_key
from gan_core.config.trial import TrialConfig
from orchestrator.planning.plan import Plan
from orchestrator.planning.planned_trial import PlannedTrial
from orchestrator.planning.repair import damaged_files
from orchestrator.store.json_files import read_json_or_none
from orchestrator.store.record import Record
from orchestrator.store.trial_copy import copy_trial
from orchestrator.store.trial_folder import TrialFolder
from orchestrator.store.trial_status import TrialStatus


@dataclass(frozen=True)
class Extension:
    """A trial of the plan and the shorter one of the last command.

    `obstacle`: why the longer one starts from step 0 all the same; "" if it goes on from where the shorter one is.
    """

    planned: PlannedTrial
    shorter: TrialFolder
    obstacle: str

    @property
    def start(self) -> str:
        """Where the longer one starts, in words."""
        if self.obstacle:
            return f"trained from step 0 ({self.obstacle})"
        return f"trained from step {self.shorter.record().step} on"


def extensions(plan: Plan) -> dict[str, Extension]:
    """By key of the longer trial."""
    before = {trial["name"]: trial["key"] for trial in plan.earlier_trials()}
    pairs = ((planned, before.get(planned.trial.name)) for planned in plan.trials)
    made = (_extension(planned, plan.folder.trial(key)) for planned, key in pairs if key and key != planned.key)
    return {extension.planned.key: extension for extension in made if extension}


def _extension(planned: PlannedTrial, shorter: TrialFolder) -> Extension | None:
    """None if more than the steps has changed, or they have shrunk."""
    try:
        config = TrialConfig.model_validate(read_json_or_none(shorter.config_file))
    except ValidationError:
        return None
    is_shorter = config.steps < planned.config.steps
    with_its_steps = planned.config.model_copy(update={"steps": config.steps})
    if not is_shorter or trial_key(with_its_steps, planned.fingerprint) != shorter.key:
        return None
    return Extension(planned, shorter, _obstacle(planned.config, shorter, config.steps))


def _obstacle(config: TrialConfig, shorter: TrialFolder, steps: int) -> str:
    record = shorter.record()
    state = record.current_status(is_held=False)
    if state not in (TrialStatus.FINISHED, TrialStatus.INTERRUPTED):
        return f"they are {state}"
    noise = config.stabilizers.instance_noise
    if noise.std and noise.anneal:
        return "instance noise is annealed over all steps"
    if config.optimizer.schedule.depends_on_steps:
        return "optimizer.schedule goes over all steps"
    if not shorter.has_checkpoint():
        return "their checkpoints are not in the home folder"
    if state == TrialStatus.INTERRUPTED or record.may_go_on:
        return ""
    if record.step < steps:
        return "they diverged"
    for name, every in (("log_every", config.log_every), ("evaluation.every", config.evaluation.every)):
        if steps % every:
            return f"their last step is no multiple of {name}, {every}"
    return "their files are damaged" if damaged_files(shorter, record) else ""


def with_extended_records(plan: Plan) -> Plan:
    """The plan as it is once these trials have been set up to go on."""
    records = {key: _going_on(each) for key, each in _not_begun(plan).items()}
    trials = [replace(planned, record=records.get(planned.key, planned.record)) for planned in plan.trials]
    return replace(plan, trials=trials) if records else plan


def set_up_extensions(plan: Plan) -> Plan:
    """Copy the shorter trials, so that the longer ones go on; returns the plan with their records. Raises OSError."""
    ready = _not_begun(plan)
    for key, each in ready.items():
        leave_out = (each.shorter.generator_file.name,)
        copy_trial(each.shorter, plan.folder.trial(key), _going_on(each), leave_out)
    return plan.with_current_records() if ready else plan


def _not_begun(plan: Plan) -> dict[str, Extension]:
    return {
        key: each
        for key, each in extensions(plan).items()
        if not each.obstacle and each.planned.state == TrialStatus.PENDING
    }


def _going_on(extension: Extension) -> Record:
    record = extension.shorter.record()
    return replace(record.before_its_early_end(), key=extension.planned.key)

"""Holds one Optuna study for a `miiii sweep` process: requests as JSON lines on stdin, answers as JSON lines on stdout.

A trial is one row of the study from its beginning to its end, whoever works on it. Its states:

    WAITING --claim--> RUNNING --tell--> COMPLETE, PRUNED or FAIL
       ^                  |
       +---- release, or no heartbeat for the grace period

A trial whose worker died goes back to WAITING with its number and its parameters, so that the next worker resumes the same run
directories and no trial is counted twice. The attribute `owner` says which process has it; who finds another name there has lost it.
"""

import json
import os
import random
import signal
import socket
import sys
import time
import warnings

import optuna
from optuna.exceptions import DuplicatedStudyError, StorageInternalError, UpdateFinishedTrialError
from optuna.trial import TrialState, create_trial
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, OperationalError

# Seconds for which a database that has gone away is asked again.
PATIENCE = 900
# Deaths of a worker on one trial, without a new report in between, after which the trial is given up.
MOST_DEATHS = 3

answers = os.fdopen(os.dup(1), "w", buffering=1)
# Whatever a library prints must not stand among the answers.
os.dup2(2, 1)


class Refused(Exception):
    """A request that cannot be met; the kind is one of the Node side's error codes."""

    def __init__(self, kind, message):
        super().__init__(message)
        self.kind = kind


def driver_url(url):
    """The drivers that the environment has, where the address names none."""
    for plain, full in (("postgresql://", "postgresql+psycopg://"), ("postgres://", "postgresql+psycopg://"), ("mysql://", "mysql+pymysql://")):
        if url.startswith(plain):
            return full + url[len(plain) :]
    return url


def first_line(error):
    """What a database's driver says, without the statement that it was asked."""
    return str(getattr(error, "orig", None) or error).strip().split("\n")[0]


def process_is_gone(owner):
    """Whether the owner was a process of this machine that is no more; false where that cannot be told."""
    host, _, rest = owner.partition("|")
    if os.name != "posix" or host != socket.gethostname():
        return False
    try:
        os.kill(int(rest.partition("|")[0]), 0)
    except ProcessLookupError:
        return True
    except (PermissionError, ValueError):
        return False
    return False


class Worker:
    def __init__(self):
        self.trials = {}
        self.trusted_after = 0.0

    # -- opening ------------------------------------------------------------------------------------------------------------

    def open_storage(self, storage, heartbeat):
        sqlite = storage.startswith("sqlite:")
        options = {"connect_args": {"timeout": 120}} if sqlite else {"pool_pre_ping": True}
        try:
            return optuna.storages.RDBStorage(
                driver_url(storage), engine_kwargs=options, heartbeat_interval=heartbeat, grace_period=4 * heartbeat
            )
        except (OperationalError, StorageInternalError) as error:
            raise Refused("io", f"cannot be reached: {first_line(error.__cause__ or error)}") from error
        except (ArgumentError, NoSuchModuleError, ImportError) as error:
            raise Refused("usage", f"must be a database's address: {first_line(error)}") from error
        except RuntimeError as error:
            raise Refused("input", f"is of another version of Optuna than {optuna.__version__}: {first_line(error)}") from error
        except DBAPIError as error:
            raise Refused("io", f"cannot be used: {first_line(error)}") from error

    def open(self, request):
        """Opens a study, and makes it where `create` says so."""
        self.owner = request["owner"]
        self.storage = self.open_storage(request["storage"], request["heartbeat"])
        name, create = request["study"], request.get("create")
        if create is not None:
            try:
                study = optuna.create_study(storage=self.storage, study_name=name, direction=create["direction"])
                # The specification last: a study that has it has everything.
                for key, value in create["attrs"].items():
                    study.set_user_attr(key, value)
            except DuplicatedStudyError:
                pass
        names = optuna.get_all_study_names(self.storage)
        if name not in names:
            known = f"; there are {', '.join(sorted(names)[:10])}" if names else ""
            raise Refused("input", f"holds no study {name}{known}")
        self.study = optuna.load_study(storage=self.storage, study_name=name)
        # The cache in front of the storage, which the study itself uses.
        self.storage = self.study._storage
        self.grace = 4 * request["heartbeat"]
        return {"attrs": self.study.user_attrs, "optuna": optuna.__version__}

    def begin(self, request):
        """What the specification says of the search; makes the rows of all trials, waiting."""
        self.space, self.sampler, self.pruner = request["space"], request["sampler"], request["pruner"]
        self.seed, self.budget = request["seed"], request["trials"]
        self.grace = 4 * request["heartbeat"]
        # The study's own, which the process that only opens it learns from it.
        database = getattr(self.storage, "_backend", self.storage)
        database.heartbeat_interval, database.grace_period = request["heartbeat"], self.grace
        self.study.pruner = self.make_pruner()
        if request["fill"]:
            if self.study.user_attrs.get("miiii_trials") != self.budget:
                self.study.set_user_attr("miiii_trials", self.budget)
            # Numbers are given by the database one by one: where two processes fill at once, those beyond the budget are never claimed.
            for _ in range(self.budget - len(self.study.get_trials(deepcopy=False))):
                self.study.add_trial(create_trial(state=TrialState.WAITING))
        return {}

    # -- samplers and pruners -------------------------------------------------------------------------------------------------

    def make_sampler(self, number):
        """The sampler of one trial. Its seed depends on the trial, so that workers side by side do not draw alike."""
        seed = (self.seed * 1_000_003 + number) % 2**32
        kind = self.sampler
        if kind == "tpe":
            return optuna.samplers.TPESampler(seed=seed, constant_liar=True)
        if kind == "random":
            return optuna.samplers.RandomSampler(seed=seed)
        if kind == "cmaes":
            return optuna.samplers.CmaEsSampler(seed=seed)
        if kind == "grid":
            return optuna.samplers.GridSampler({d["name"]: d["choices"] for d in self.space}, seed=self.seed)
        raise Refused("usage", f"unknown sampler {kind}")

    def make_pruner(self):
        kind = self.pruner["kind"]
        if kind == "none":
            return optuna.pruners.NopPruner()
        if kind == "median":
            return optuna.pruners.MedianPruner(
                n_startup_trials=self.pruner["startup"], n_warmup_steps=self.pruner["from"], n_min_trials=3
            )
        if kind == "hyperband":
            return optuna.pruners.HyperbandPruner(min_resource=self.pruner["from"], max_resource=self.pruner["to"])
        raise Refused("usage", f"unknown pruner {kind}")

    def suggest(self, trial):
        values = {}
        for dimension in self.space:
            name, kind = dimension["name"], dimension["kind"]
            if kind == "categorical":
                values[name] = trial.suggest_categorical(name, dimension["choices"])
                continue
            low, high, log, step = (dimension[key] for key in ("low", "high", "log", "step"))
            if kind == "float":
                values[name] = trial.suggest_float(name, low, high, log=log, step=step)
            else:
                values[name] = trial.suggest_int(name, low, high, log=log, step=step or 1)
        return values

    # -- who has which trial --------------------------------------------------------------------------------------------------

    def put_back(self, frozen, died):
        """Makes a running trial wait again; gives up one on which worker after worker dies at the same place."""
        trial_id, attrs = frozen._trial_id, frozen.user_attrs
        if died:
            step = -1 if frozen.last_step is None else frozen.last_step
            deaths = attrs.get("deaths", 0) + 1 if attrs.get("died_at") == step else 1
            self.storage.set_trial_user_attr(trial_id, "deaths", deaths)
            self.storage.set_trial_user_attr(trial_id, "died_at", step)
            if deaths >= MOST_DEATHS:
                self.storage.set_trial_user_attr(trial_id, "reason", f"its worker died {deaths} times at step {step}")
                self.storage.set_trial_state_values(trial_id, TrialState.FAIL)
                return
        self.storage.set_trial_state_values(trial_id, TrialState.WAITING)

    def take_back_stale(self):
        """Running trials whose workers have shown no life for the grace period, or are dead processes of this machine."""
        running = self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        stale = set()
        # After an outage nobody has shown life: the others are given time to.
        if time.monotonic() > self.trusted_after:
            stale = set(self.storage._get_stale_trial_ids(self.study._study_id))
        for frozen in running:
            owner = frozen.user_attrs.get("owner", "")
            if owner != self.owner and (frozen._trial_id in stale or process_is_gone(owner)):
                try:
                    self.put_back(frozen, died=True)
                except UpdateFinishedTrialError:
                    pass

    def claim(self, _request):
        """Takes the first trial that waits: its number, its parameters, and how far it has been reported."""
        self.take_back_stale()
        waiting = [t for t in self.study.get_trials(deepcopy=False, states=(TrialState.WAITING,)) if t.number < self.budget]
        for frozen in sorted(waiting, key=lambda t: t.number):
            trial_id = frozen._trial_id
            # The heartbeat first: with that of a dead owner the trial would be taken back at once.
            self.storage.record_heartbeat(trial_id)
            if not self.storage.set_trial_state_values(trial_id, TrialState.RUNNING):
                continue
            self.storage.set_trial_user_attr(trial_id, "owner", self.owner)
            self.study.sampler = self.make_sampler(frozen.number)
            trial = optuna.trial.Trial(self.study, trial_id)
            self.trials[frozen.number] = trial
            params = self.suggest(trial)
            step = frozen.last_step
            return {"trial": {"number": frozen.number, "params": params, "taken_up": "owner" in frozen.user_attrs, "step": step}}
        return {"trial": None, **self.counts({})}

    def counts(self, _request):
        counted = {state.name.lower(): 0 for state in TrialState}
        best = None
        for trial in self.study.get_trials(deepcopy=False):
            if trial.number >= self.budget:
                continue
            counted[trial.state.name.lower()] += 1
            if trial.state == TrialState.COMPLETE and trial.value is not None:
                larger = self.study.direction == optuna.study.StudyDirection.MAXIMIZE
                if best is None or (trial.value > best[1] if larger else trial.value < best[1]):
                    best = [trial.number, trial.value]
        return {"counts": counted, "best": best}

    def is_mine(self, number):
        frozen = self.storage.get_trial(self.trials[number]._trial_id)
        return frozen.state == TrialState.RUNNING and frozen.user_attrs.get("owner") == self.owner

    def beat(self, request):
        """Shows life for trials; names those that are no longer this process's."""
        lost = []
        for number in request["numbers"]:
            if number not in self.trials or not self.is_mine(number):
                self.trials.pop(number, None)
                lost.append(number)
            else:
                self.storage.record_heartbeat(self.trials[number]._trial_id)
        return {"lost": lost}

    def report(self, request):
        number = request["number"]
        if number not in self.trials or not self.is_mine(number):
            return {"lost": True, "prune": False}
        trial_id = self.trials[number]._trial_id
        for step, value in request["values"]:
            self.storage.set_trial_intermediate_value(trial_id, step, value)
        self.storage.record_heartbeat(trial_id)
        # A pruner may answer with NumPy's own kind of yes and no, which JSON does not know.
        return {"lost": False, "prune": bool(self.study.pruner.prune(self.study, self.storage.get_trial(trial_id)))}

    def tell(self, request):
        """Ends a trial, once."""
        number, state = request["number"], TrialState[request["state"]]
        trial = self.trials.get(number)
        if trial is None:
            return {"lost": True}
        trial_id = trial._trial_id
        frozen = self.storage.get_trial(trial_id)
        told_before = frozen.state.is_finished() and frozen.user_attrs.get("told_by") == self.owner
        if not told_before:
            if not self.is_mine(number):
                self.trials.pop(number)
                return {"lost": True}
            for key, value in {**request["attrs"], "told_by": self.owner}.items():
                self.storage.set_trial_user_attr(trial_id, key, value)
            try:
                self.study.tell(frozen.number, request.get("value"), state=state)
            except UpdateFinishedTrialError:
                self.trials.pop(number)
                return {"lost": True}
            except RuntimeError:
                # The grid's sampler asks the study to stop after its last point, which only Optuna's own loop can do.
                if not self.storage.get_trial(trial_id).state.is_finished():
                    raise
        self.trials.pop(number)
        return {"lost": False}

    def release(self, request):
        """Gives trials back, to be resumed by whoever comes next."""
        for number in request["numbers"]:
            if number in self.trials and self.is_mine(number):
                self.put_back(self.storage.get_trial(self.trials[number]._trial_id), died=request["died"])
            self.trials.pop(number, None)
        return {}

    # -- looking at it --------------------------------------------------------------------------------------------------------

    def importances(self):
        try:
            evaluator = optuna.importance.PedAnovaImportanceEvaluator()
            found = optuna.importance.get_param_importances(self.study, evaluator=evaluator)
            return {"importances": {name: float(value) for name, value in found.items()}}
        except Exception as error:  # Optuna refuses too few or all equal trials in several ways.
            return {"importances": {}, "importances_missing": first_line(error)}

    def show(self, _request):
        rows = []
        for trial in self.study.get_trials(deepcopy=False):
            started, ended = trial.datetime_start, trial.datetime_complete
            rows.append(
                {
                    "number": trial.number,
                    "state": trial.state.name.lower(),
                    "value": trial.value if trial.state in (TrialState.COMPLETE, TrialState.PRUNED) else None,
                    "params": trial.params,
                    "attrs": trial.user_attrs,
                    "started": started and started.isoformat(timespec="seconds"),
                    "ended": ended and ended.isoformat(timespec="seconds"),
                    "step": trial.last_step,
                }
            )
        return {"direction": self.study.direction.name.lower(), "trials": rows, **self.importances()}

    # -- the loop -------------------------------------------------------------------------------------------------------------

    def answer(self, request):
        """Meets a request; while the database is away, again and again. Every request may be repeated without harm."""
        operation = getattr(self, request["op"])
        until, pause = time.monotonic() + PATIENCE, 0.5
        while True:
            try:
                return operation(request)
            except (StorageInternalError, OperationalError, DBAPIError) as error:
                cause = error.__cause__ or error
                lasting = any(words in first_line(cause) for words in ("disk is full", "readonly", "disk I/O"))
                if lasting or request["op"] == "open" or time.monotonic() > until:
                    raise Refused("io", f"{'cannot be written' if lasting else 'cannot be reached'}: {first_line(cause)}") from error
                print(json.dumps({"note": f"the study's storage does not answer, trying again: {first_line(cause)}"}), file=answers)
                self.trusted_after = time.monotonic() + self.grace
                time.sleep(pause * (0.5 + random.random()))
                pause = min(2 * pause, 15)


def main():
    # Ctrl-C is the Node side's to handle; the end of stdin ends this process.
    for name in ("SIGINT", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    warnings.simplefilter("ignore")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    worker = Worker()
    for line in sys.stdin:
        request = json.loads(line)
        try:
            reply = json.loads(json.dumps({"ok": worker.answer(request)}))
        except Refused as refusal:
            reply = {"error": {"kind": refusal.kind, "message": str(refusal)}}
        except Exception as error:
            reply = {"error": {"kind": "runtime", "message": f"{type(error).__name__}: {first_line(error)}"}}
        print(json.dumps({"id": request["id"], **reply}), file=answers)


if __name__ == "__main__":
    main()

"""The loop that every training here shares: schedule, moving average, curve, checkpoints, resume at any moment.

Everything random in step k is drawn from (seed, k), so a checkpoint needs no generator state and a training that was
killed and resumed ends in the same weights as one that was not.
"""

from __future__ import annotations

import csv
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import nn

from ..errors import CheckpointError, StreamflowError
from .feed import Feed
from .hardware import Hardware
from .progress import LogLine, bar


@dataclass(frozen=True)
class LoopConfig:
    """How long and how often.

    Attributes:
        steps: updates in all.
        warmup: updates until the full learning rate.
        decay: the share of ``steps`` at the end over which the rate falls linearly to zero.
        seed: of everything random.
        ema: decay of the moving average of the weights that is kept beside them.
        save_every_s: seconds between checkpoints.
        budget_s: where not 0, seconds of training after which the decay is to end: ``steps`` is then a first guess, and
            is set from the pace until the decay begins. How many they were in the end is in summary.json.
    """

    steps: int
    warmup: int = 100
    decay: float = 0.3
    seed: int = 0
    ema: float = 0.999
    save_every_s: float = 120.0
    budget_s: float = 0.0

    @property
    def constant_until(self) -> float:
        """The step at which the decay begins."""
        return self.steps * (1 - self.decay)

    def rate(self, step: int) -> float:
        """Factor on the learning rate: warm-up, constant, linear decay (Hu et al., MiniCPM, 2024).

        Until the decay starts, ``steps`` may still be changed by resuming with another number.
        """
        fall = (self.steps - step) / max(1.0, self.steps - self.constant_until)
        return min(1.0, (step + 1) / max(1, self.warmup), max(fall, 0.0))


class Average:
    """Exponential moving average of a module's parameters, with the short memory it should have when young."""

    def __init__(self, module: nn.Module, decay: float):
        self.decay = decay
        self.state = {k: v.detach().clone() for k, v in module.state_dict().items()}

    @torch.no_grad()
    def update(self, module: nn.Module, step: int) -> None:
        decay = min(self.decay, (1 + step) / (10 + step))
        for name, value in module.state_dict().items():
            if value.is_floating_point():
                self.state[name].lerp_(value, 1 - decay)
            else:
                self.state[name].copy_(value)


def optimizers_for(
    module: nn.Module,
    rate: float,
    *,
    muon: bool = True,
    weight_decay: float = 0.01,
    betas: tuple[float, float] = (0.9, 0.98),
) -> list:
    """Muon (Jordan et al., 2024) for the matrices inside, AdamW for the rest and for the first and last layers.

    A module names the matrices that are not hidden ones in ``not_hidden`` (prefixes of parameter names).
    """
    edge = tuple(getattr(module, "not_hidden", ()))
    matrices, others = [], []
    for name, p in module.named_parameters():
        if p.requires_grad:
            (matrices if muon and p.ndim == 2 and not name.startswith(edge) else others).append(p)
    result = [torch.optim.AdamW(others, lr=rate, betas=betas, weight_decay=weight_decay)] if others else []
    if matrices:
        result.append(torch.optim.Muon(matrices, lr=rate, weight_decay=weight_decay, adjust_lr_fn="match_rms_adamw"))
    for optimizer in result:
        for group in optimizer.param_groups:
            group["peak"] = group["lr"]
    return result


class Pace:
    """Seconds a step, the first few left out: they load kernels and try algorithms."""

    WARM = 5

    def __init__(self, step: int):
        self.first, self.began = step, time.monotonic()
        self.last, self.now, self.warm = step, self.began, False

    def tick(self, step: int) -> None:
        """``step`` steps are done."""
        self.last, self.now = step, time.monotonic()
        if not self.warm and step - self.first >= self.WARM:
            self.first, self.began, self.warm = step, self.now, True

    @property
    def known(self) -> bool:
        return self.warm and self.last > self.first

    @property
    def seconds(self) -> float:
        return (self.now - self.began) / max(1, self.last - self.first)


class Loop:
    """Runs ``step_function(step) -> dict of numbers`` from where the last checkpoint in ``out`` stands to the end.

    Args:
        out: folder for ``state.pt`` (everything, to resume) and ``curve.csv`` (a row every few steps).
        modules: what is trained, by name; all are saved, and the average of those in ``averaged`` too.
        optimizers: stepped inside ``step_function``; the loop sets their learning rates and saves their state.
        settings: what a training is; a checkpoint of others is refused.
        hardware: of several processes the first writes, and all stop together.
        feed: whose draws are recorded in summary.json.
    """

    def __init__(
        self,
        out: str | Path,
        config: LoopConfig,
        modules: dict[str, nn.Module],
        optimizers: list,
        averaged: tuple[str, ...] = (),
        settings: dict | None = None,
        hardware: Hardware | None = None,
        feed: Feed | None = None,
    ):
        self.out, self.config, self.modules, self.optimizers = Path(out), config, modules, optimizers
        self.averages = {name: Average(modules[name], config.ema) for name in averaged}
        self.settings = settings or {}
        self.hardware, self.feed = hardware or Hardware(), feed
        self.step, self.spent_s = 0, 0.0
        self.out.mkdir(parents=True, exist_ok=True)

    @property
    def state_path(self) -> Path:
        return self.out / "state.pt"

    def resume(self) -> None:
        """Take up the checkpoint in ``out``, if there is one.

        Raises:
            CheckpointError: it was made with other settings or cannot be read.
        """
        found = self.state_path.exists()
        self.hardware.group.barrier()  # all have looked before the first may write
        if not found:
            self._cut_curve()
            return
        try:
            state = torch.load(self.state_path, map_location="cpu", weights_only=True)
            made_with = state["settings"], state["seed"]
        except Exception as error:
            reason = " ".join(str(error).split())[:120]
            raise CheckpointError(f"{self.state_path}: not readable ({reason}); delete it to start again") from None
        if made_with != (self.settings, self.config.seed):
            raise CheckpointError(
                f"{self.state_path}: made with other settings or seed; use another --bundle or delete it"
            )
        self._check_steps(state)
        try:
            self._restore(state)
        except (RuntimeError, ValueError, KeyError) as error:
            reason = " ".join(str(error).split())[:160]
            raise CheckpointError(f"{self.state_path}: of another size ({reason}); use another --bundle") from None
        self._cut_curve()

    def _check_steps(self, state: dict) -> None:
        """The length may change until the decay begins; afterwards the rate would jump."""
        planned, done, wanted = state["steps"], state["step"], self.config.steps
        if self.config.budget_s:
            self.config = replace(self.config, steps=planned)
        elif wanted != planned and (done > planned * (1 - self.config.decay) or done > wanted):
            raise CheckpointError(
                f"{self.state_path}: {done} of {planned} steps are done and the decay has begun; give --steps {planned}"
            )

    def _restore(self, state: dict) -> None:
        for name, module in self.modules.items():
            module.load_state_dict(state["modules"][name])
        for name, average in self.averages.items():
            average.state = {k: v.to(average.state[k].device) for k, v in state["averages"][name].items()}
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        self.step, self.spent_s = state["step"], state.get("spent_s", 0.0)
        if self.feed:
            self.feed.drawn = state.get("drawn", "")

    def save(self) -> None:
        """Write the checkpoint, whole or not at all; of several processes the first does, and the others wait."""
        if self.hardware.group.first:
            self._write_state()
        self.hardware.group.barrier()

    def _write_state(self) -> None:
        state = {
            "step": self.step,
            "steps": self.config.steps,
            "seed": self.config.seed,
            "settings": self.settings,
            "spent_s": self.spent_s,
            "drawn": self.feed.drawn if self.feed else "",
            "modules": {k: m.state_dict() for k, m in self.modules.items()},
            "averages": {k: a.state for k, a in self.averages.items()},
            "optimizers": [o.state_dict() for o in self.optimizers],
        }
        partial = self.state_path.with_suffix(".partial")
        try:
            with partial.open("wb") as file:
                torch.save(state, file)
                file.flush()
                os.fsync(file.fileno())  # else a power cut may leave the new name with nothing in it
        except (OSError, RuntimeError) as error:  # a full disk is a RuntimeError to torch.save
            partial.unlink(missing_ok=True)
            reason = " ".join(str(error).split())[:120]
            raise CheckpointError(f"{self.state_path}: cannot be written ({reason}); is the disk full?") from None
        os.replace(partial, self.state_path)

    def run(self, step_function: Callable[[int], dict[str, float]]) -> None:
        """Train to the end. SIGINT and SIGTERM save first, then stop with exit code 130."""
        stop: list[int] = []
        old = {s: signal.signal(s, lambda number, _: stop.append(number)) for s in (signal.SIGINT, signal.SIGTERM)}
        try:
            stopped = self._train(step_function, stop)
            self.save()
        finally:
            if self.feed:
                self.feed.close()
            for number, handler in old.items():
                signal.signal(number, handler)
        if stopped:
            if self.hardware.group.first:
                print(f"stopped at step {self.step}; the same command goes on from there", file=sys.stderr)
            raise SystemExit(130)
        self._write_summary()

    def _train(self, step_function: Callable[[int], dict[str, float]], stop: list[int]) -> bool:
        """Steps until the end or a signal; whether it was a signal."""
        log, saved, pace = LogLine(), time.monotonic(), Pace(self.step)
        first, stopped = self.hardware.group.first, False
        with bar(first) as progress:
            task = progress.add_task("training", total=self.config.steps, completed=self.step)
            while self.step < self.config.steps and not stopped:
                started = time.monotonic()
                losses, stopped, due = self._one_step(
                    step_function, stop, time.monotonic() - saved > self.config.save_every_s
                )
                self.spent_s += time.monotonic() - started
                pace.tick(self.step)
                self._plan(pace)
                text = " ".join(f"{k} {v:.4g}" for k, v in losses.items())
                progress.update(task, completed=self.step, total=self.config.steps, description=text)
                if first:
                    log(f"step {self.step}/{self.config.steps} {pace.seconds:.2f} s/step {text}")
                if due:
                    self.save()
                    saved = time.monotonic()
        return stopped

    def _plan(self, pace: Pace) -> None:
        """Set the number of steps so that the budget is used up, while that does not change the rate so far."""
        if not self.config.budget_s or self.step % 10 or not pace.known or self.step >= self.config.constant_until:
            return
        left = max(0.0, self.config.budget_s - self.spent_s)
        (wanted,) = self.hardware.group.mean([self.step + left / pace.seconds], self.hardware.device)
        # at the earliest the decay begins now
        earliest = -(-self.step // max(1e-9, 1 - self.config.decay))
        self.config = replace(self.config, steps=max(int(wanted), int(earliest)))

    def _one_step(
        self, step_function: Callable[[int], dict[str, float]], stop: list[int], due: bool
    ) -> tuple[dict[str, float], bool, bool]:
        """Losses, and whether any process was told to stop, and whether the first wants to save."""
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group["peak"] * self.config.rate(self.step)
        torch.manual_seed(self.config.seed * 1_000_003 + self.step)
        losses = {k: float(v.detach() if torch.is_tensor(v) else v) for k, v in step_function(self.step).items()}
        said = [float(bool(stop)), float(due and self.hardware.group.first)]
        stopped, save, *means = self.hardware.group.mean([*said, *losses.values()], self.hardware.device)
        losses = dict(zip(losses, means, strict=True))
        if not all(v == v and abs(v) != float("inf") for v in losses.values()):
            raise StreamflowError(
                f"step {self.step}: the loss is not finite ({losses}); start again with another --seed"
            )
        self.step += 1
        for name, average in self.averages.items():
            average.update(self.modules[name], self.step)
        if self.hardware.group.first and (self.step % 10 == 0 or self.step == self.config.steps):
            self._write_curve(losses)
        return losses, stopped > 0, save > 0

    def _write_summary(self) -> None:
        """What was done, for people and for comparing the budgets of two trainings."""
        if not self.hardware.group.first:
            return
        summary = {
            "steps": self.step,
            "seed": self.config.seed,
            "warmup": self.config.warmup,
            "decay": self.config.decay,
            "rates": sorted({group["peak"] for o in self.optimizers for group in o.param_groups}),
            "drawn": self.feed.drawn if self.feed else "",
            "seconds": round(self.spent_s, 1),
            "device": str(self.hardware.device.type),
            "precision": self.hardware.precision,
            "processes": self.hardware.group.world,
        }
        (self.out / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")

    def _write_curve(self, losses: dict[str, float]) -> None:
        path = self.out / "curve.csv"
        new = not path.exists()
        with path.open("a", newline="") as file:
            writer = csv.writer(file)
            if new:
                writer.writerow(["step", *losses])
            writer.writerow([self.step, *(f"{v:.6g}" for v in losses.values())])

    def _cut_curve(self) -> None:
        """Drop rows that were written after the checkpoint from which the training goes on."""
        path = self.out / "curve.csv"
        if not self.hardware.group.first or not path.exists():
            return
        head, *rows = path.read_text().splitlines() or [""]
        kept = [row for row in rows if row.split(",")[0].isdigit() and int(row.split(",")[0]) <= self.step]
        if not kept:
            path.unlink()
            return
        partial = path.with_suffix(".partial")
        partial.write_text("\n".join([head, *kept]) + "\n")
        os.replace(partial, path)

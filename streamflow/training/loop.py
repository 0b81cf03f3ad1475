"""The loop that every training here shares: schedule, moving average, curve, checkpoints, resume at any moment.

Everything random in step k is drawn from (seed, k), so a checkpoint needs no generator state and a training that was
killed and resumed ends in the same weights as one that was not.
"""

from __future__ import annotations

import csv
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from ..errors import CheckpointError, StreamflowError
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
    """

    steps: int
    warmup: int = 100
    decay: float = 0.3
    seed: int = 0
    ema: float = 0.999
    save_every_s: float = 120.0

    def rate(self, step: int) -> float:
        """Factor on the learning rate: warm-up, constant, linear decay (Hu et al., MiniCPM, 2024).

        Until the decay starts, ``steps`` may still be changed by resuming with another number.
        """
        start = self.steps * (1 - self.decay)
        fall = (self.steps - step) / max(1.0, self.steps - start)
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


def optimizers_for(module: nn.Module, rate: float, *, muon: bool = True, weight_decay: float = 0.01) -> list:
    """Muon (Jordan et al., 2024) for the matrices inside, AdamW for the rest and for the first and last layers.

    A module names the matrices that are not hidden ones in ``not_hidden`` (prefixes of parameter names).
    """
    edge = tuple(getattr(module, "not_hidden", ()))
    matrices, others = [], []
    for name, p in module.named_parameters():
        if p.requires_grad:
            (matrices if muon and p.ndim == 2 and not name.startswith(edge) else others).append(p)
    result = [torch.optim.AdamW(others, lr=rate, betas=(0.9, 0.98), weight_decay=weight_decay)] if others else []
    if matrices:
        result.append(torch.optim.Muon(matrices, lr=rate, weight_decay=weight_decay, adjust_lr_fn="match_rms_adamw"))
    for optimizer in result:
        for group in optimizer.param_groups:
            group["peak"] = group["lr"]
    return result


class Loop:
    """Runs ``step_function(step) -> dict of numbers`` from where the last checkpoint in ``out`` stands to the end.

    Args:
        out: folder for ``state.pt`` (everything, to resume) and ``curve.csv`` (a row every few steps).
        modules: what is trained, by name; all are saved, and the average of those in ``averaged`` too.
        optimizers: stepped inside ``step_function``; the loop sets their learning rates and saves their state.
    """

    def __init__(
        self,
        out: str | Path,
        config: LoopConfig,
        modules: dict[str, nn.Module],
        optimizers: list,
        averaged: tuple[str, ...] = (),
        settings: dict | None = None,
    ):
        self.out, self.config, self.modules, self.optimizers = Path(out), config, modules, optimizers
        self.averages = {name: Average(modules[name], config.ema) for name in averaged}
        self.settings = settings or {}
        self.step = 0
        self.out.mkdir(parents=True, exist_ok=True)

    @property
    def state_path(self) -> Path:
        return self.out / "state.pt"

    def resume(self) -> None:
        """Take up the checkpoint in ``out``, if there is one.

        Raises:
            CheckpointError: it was made with other settings or cannot be read.
        """
        if not self.state_path.exists():
            self._cut_curve()
            return
        try:
            state = torch.load(self.state_path, map_location="cpu", weights_only=True)
        except Exception as error:
            raise CheckpointError(f"{self.state_path}: not readable ({error}); delete it to start again") from None
        if state["settings"] != self.settings or state["seed"] != self.config.seed:
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
        if wanted != planned and (done > planned * (1 - self.config.decay) or done > wanted):
            raise CheckpointError(
                f"{self.state_path}: {done} of {planned} steps are done and the decay has begun; give --steps {planned}"
            )

    def _restore(self, state: dict) -> None:
        for name, module in self.modules.items():
            module.load_state_dict(state["modules"][name])
        for name, average in self.averages.items():
            average.state = state["averages"][name]
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        self.step = state["step"]

    def save(self) -> None:
        """Write the checkpoint, whole or not at all."""
        state = {
            "step": self.step,
            "steps": self.config.steps,
            "seed": self.config.seed,
            "settings": self.settings,
            "modules": {k: m.state_dict() for k, m in self.modules.items()},
            "averages": {k: a.state for k, a in self.averages.items()},
            "optimizers": [o.state_dict() for o in self.optimizers],
        }
        partial = self.state_path.with_suffix(".partial")
        try:
            torch.save(state, partial)
        except (OSError, RuntimeError) as error:  # a full disk is a RuntimeError to torch.save
            partial.unlink(missing_ok=True)
            reason = " ".join(str(error).split())[:120]
            raise CheckpointError(f"{self.state_path}: cannot be written ({reason}); is the disk full?") from None
        os.replace(partial, self.state_path)

    def run(self, step_function: Callable[[int], dict[str, float]]) -> None:
        """Train to the end. SIGINT and SIGTERM save first, then stop with exit code 130."""
        stop: list[int] = []
        old = {s: signal.signal(s, lambda number, _: stop.append(number)) for s in (signal.SIGINT, signal.SIGTERM)}
        log, saved, started, first = LogLine(), time.monotonic(), time.monotonic(), self.step
        try:
            with bar() as progress:
                task = progress.add_task("training", total=self.config.steps, completed=self.step)
                while self.step < self.config.steps and not stop:
                    losses = self._one_step(step_function)
                    pace = (time.monotonic() - started) / (self.step - first)
                    text = " ".join(f"{k} {v:.4g}" for k, v in losses.items())
                    progress.update(task, completed=self.step, description=text)
                    log(f"step {self.step}/{self.config.steps} {pace:.2f} s/step {text}")
                    if time.monotonic() - saved > self.config.save_every_s:
                        self.save()
                        saved = time.monotonic()
            self.save()
        finally:
            for number, handler in old.items():
                signal.signal(number, handler)
        if stop:
            print(f"stopped at step {self.step}; the same command goes on from there", file=sys.stderr)
            raise SystemExit(130)

    def _one_step(self, step_function: Callable[[int], dict[str, float]]) -> dict[str, float]:
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group["peak"] * self.config.rate(self.step)
        torch.manual_seed(self.config.seed * 1_000_003 + self.step)
        losses = {k: float(v.detach() if torch.is_tensor(v) else v) for k, v in step_function(self.step).items()}
        if not all(v == v and abs(v) != float("inf") for v in losses.values()):
            raise StreamflowError(
                f"step {self.step}: the loss is not finite ({losses}); start again with another --seed"
            )
        self.step += 1
        for name, average in self.averages.items():
            average.update(self.modules[name], self.step)
        if self.step % 10 == 0 or self.step == self.config.steps:
            self._write_curve(losses)
        return losses

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
        if not path.exists():
            return
        head, *rows = path.read_text().splitlines() or [""]
        kept = [row for row in rows if row.split(",")[0].isdigit() and int(row.split(",")[0]) <= self.step]
        if not kept:
            path.unlink()
            return
        partial = path.with_suffix(".partial")
        partial.write_text("\n".join([head, *kept]) + "\n")
        os.replace(partial, path)

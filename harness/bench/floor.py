"""Time of one network evaluation against the least that this machine could take."""

from __future__ import annotations

import torch

from .bench_context import Context
from .counting import evaluation_bytes, evaluation_flops
from .machine import best_s, rates
from .result import Result

WINDOWS_S = (0.24, 0.96, 3.84)


def measure(context: Context) -> Result:
    """One row a window: counted work, the floor, the time, and how many times the floor it is."""
    dit = context.bundle.decoder()
    machine, config = rates(dit.device), dit.config
    rows = []
    with torch.inference_mode():
        modulations = dit.modulations(torch.tensor([0.5], device=dit.device))
        for seconds in WINDOWS_S:
            context.tick(f"one evaluation over {seconds:g} s")
            frames = round(seconds * 100)
            x = torch.randn(2, frames, 80, device=dit.device)
            condition = torch.randn(2, frames, config.speaker + config.token_width, device=dit.device)
            masks = [None] * config.layers
            taken = best_s(
                lambda x=x, c=condition, m=masks: dit(x, c, modulations, m), 4 * context.effort.rounds, context.clock
            )
            flops = evaluation_flops(config, frames, rows=2)
            moved = evaluation_bytes(config, frames, rows=2)
            floor = machine.floor_s(flops, moved)
            rows.append(
                {
                    "window_s": seconds,
                    "GFLOP": flops / 1e9,
                    "MB moved": moved / 1e6,
                    "floor_ms": 1e3 * floor,
                    "bound by": "products" if flops / machine.flops > moved / machine.bytes else "memory",
                    "time_ms": 1e3 * taken,
                    "times the floor": taken / floor,
                }
            )
    notes = ["Full attention, both branches of the guidance; the best of several tries on both sides."]
    return Result("nfe", "Time of one network evaluation against its floor", rows, notes)

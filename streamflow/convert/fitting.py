"""Do published tensors fit: each name there, no other, each of its shape."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from ..errors import CheckpointError


def fitted(state: Mapping[str, Tensor], shapes: Mapping[str, tuple[int, ...]], what: str) -> dict[str, Tensor]:
    """The tensors, if they are those of ``shapes``.

    Raises:
        CheckpointError: one is missing, unknown, of another shape or not of numbers.
    """
    for name, shape in shapes.items():
        if name not in state:
            raise CheckpointError(f"{what}: {name} is missing; fetch every file of the checkpoint, or the whole again")
        if tuple(state[name].shape) != tuple(shape):
            raise CheckpointError(
                f"{what}: {name} has the shape {list(state[name].shape)}, its settings say {list(shape)}; "
                "take weights and settings from one checkpoint"
            )
        if not state[name].is_floating_point():
            raise CheckpointError(f"{what}: {name} is of {state[name].dtype}; take weights that are not quantised")
    if unknown := sorted(state.keys() - shapes.keys()):
        raise CheckpointError(f"{what}: {unknown[0]} is unknown; take weights and settings from one checkpoint")
    return dict(state)

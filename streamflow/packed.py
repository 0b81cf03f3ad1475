"""Linear layers whose weights are laid out for the processor once: the same products, sooner.

Torch hands float32 products to MKL, which keeps off AVX-512 on processors of other makers; oneDNN, which torch carries
too, does not, and may reorder the weights beforehand (the product on this project's AMD machine: 107 GFLOP/s a core with
MKL, 245 with oneDNN). Only rounding differs. Training and other types go the ordinary way.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .errors import CheckpointError

_OPERATIONS = ("_reorder_linear_weight", "_linear_pointwise")
_enabled = True


def available() -> bool:
    """Whether this torch can pack weights for this processor."""
    return torch.backends.mkldnn.is_available() and all(hasattr(torch.ops.mkldnn, name) for name in _OPERATIONS)


def bfloat16_in_hardware() -> bool:
    """Whether the processor multiplies bfloat16 itself (AVX512-BF16, AMX or Arm's): elsewhere it is emulated."""
    supported = getattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", None)
    return available() and supported is not None and bool(supported())


def precision_of(dtype: str, device: torch.device) -> torch.dtype:
    """The type of a product's factors by its name.

    Raises:
        CheckpointError: an unknown one, or one that this processor would emulate; accelerators are not asked.
    """
    if dtype not in ("float32", "bfloat16"):
        raise CheckpointError(f"unknown dtype {dtype}; choose float32 or bfloat16")
    if dtype == "bfloat16" and device.type == "cpu" and not bfloat16_in_hardware():
        raise CheckpointError(
            "this processor has no bfloat16 products, which would be slower than float32; use float32"
        )
    return getattr(torch, dtype)


@contextlib.contextmanager
def packing(enabled: bool) -> Iterator[None]:
    """Use packed weights meanwhile or not, in this process; for comparing the two."""
    global _enabled
    before, _enabled = _enabled, enabled
    try:
        yield
    finally:
        _enabled = before


class PackedLinear(nn.Linear):
    """``nn.Linear`` that keeps a second copy of its weight, in the layout of oneDNN, for inference in float32.

    On an accelerator the copy has no layout of its own, and there is none unless the precision is another.

    Attributes:
        precision: of the product's two factors; with ``torch.bfloat16`` sums and everything outside remain float32.
    """

    precision: torch.dtype = torch.float32

    def forward(self, x: Tensor) -> Tensor:
        """Product and bias, ``[..., in]`` to ``[..., out]``."""
        if not self._packable(x):
            return F.linear(x, self.weight, self.bias)
        weight = self._packed_weight()
        if self.precision == torch.float32:
            return torch.ops.mkldnn._linear_pointwise(x, weight, self.bias, "none", [], "")
        bias = None if self.bias is None else self.bias.to(self.precision)
        if x.device.type != "cpu":
            return F.linear(x.to(self.precision), weight, bias).float()
        return torch.ops.mkldnn._linear_pointwise(x.to(self.precision), weight, bias, "none", [], "").float()

    def _packable(self, x: Tensor) -> bool:
        weight = self._parameters.get("weight")  # None where it is parametrised, and computed anew for every call
        return (
            _enabled
            and weight is not None
            and not weight.requires_grad  # it may change behind its version's back
            and not weight.is_inference()  # it has no version
            and x.dtype == weight.dtype == torch.float32
            and x.device == weight.device
            and (x.device.type == "cpu" or self.precision != torch.float32)
            and x.numel() > 0
            and not (x.requires_grad and torch.is_grad_enabled())
        )

    def _packed_weight(self) -> Tensor:
        """The packed copy, made anew when the weight has changed since."""
        weight = self.weight
        state = (weight.data_ptr(), weight._version, self.precision)
        kept = self.__dict__.get("_packed")
        if kept is None or kept[0] != state:
            with torch.no_grad():
                packed = weight.detach().to(self.precision)
                if weight.device.type == "cpu":
                    packed = torch.ops.mkldnn._reorder_linear_weight(packed)
            self.__dict__["_packed"] = kept = (state, packed)
        return kept[1]

    def __getstate__(self) -> dict:
        """Without the packed copy, which cannot be copied or pickled."""
        return {name: value for name, value in self.__dict__.items() if name != "_packed"}


def pack_linears(module: nn.Module, precision: torch.dtype = torch.float32) -> nn.Module:
    """Replace every ``nn.Linear`` below ``module`` by a :class:`PackedLinear` with the very same parameters.

    Args:
        module: is changed and returned; its state dict keeps its names.
        precision: see :class:`PackedLinear`.
    """
    on_cpu = all(p.device.type == "cpu" for p in module.parameters())
    if not (available() if on_cpu else precision != torch.float32):
        return module
    for parent in list(module.modules()):
        for name, child in list(parent.named_children()):
            if type(child) is nn.Linear:
                setattr(parent, name, _packed_like(child, precision))
            elif isinstance(child, PackedLinear):
                child.precision = precision
    return module


def _packed_like(linear: nn.Linear, precision: torch.dtype) -> PackedLinear:
    packed = PackedLinear(linear.in_features, linear.out_features, bias=linear.bias is not None, device="meta")
    packed.weight, packed.bias = linear.weight, linear.bias
    packed.precision = precision
    return packed.train(linear.training)

"""SpeechBrain's ECAPA-TDNN directory (``spkrec-ecapa-voxceleb``) as the speaker encoder of a bundle.

hyperparams.yaml says with tags which Python objects SpeechBrain would make of it. Here it is read as plain data: what
stands after a tag is a table or a text, whatever the tag says.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from ..errors import CheckpointError
from ..mel import BANDS
from ..speaker import SpeakerConfig, SpeakerEncoder
from ..stored_weights import config_card
from .fitting import fitted
from .source import Source
from .target import Converted

KERNELS, DILATIONS = [5, 3, 3, 3, 1], [1, 2, 3, 4, 1]


def convert_ecapa(source: Source) -> Converted:
    """The embedding model of a SpeechBrain directory; its features are SpeechBrain's, its vectors of length 1.

    The classifier, the labels and the statistics of embeddings stay behind: embeddings do not need them.

    Raises:
        CheckpointError: a file that is missing, damaged, or of another model.
    """
    config = speaker_config(plain_yaml(source.file("hyperparams.yaml")), source.name)
    with torch.device("meta"):
        shapes = {
            name.removeprefix("ecapa."): tuple(value.shape)
            for name, value in SpeakerEncoder(config).state_dict().items()
        }
    published = source.pickled("embedding_model.ckpt")
    if not isinstance(published, dict) or not all(isinstance(v, torch.Tensor) for v in published.values()):
        raise CheckpointError(f"{source.name}/embedding_model.ckpt: holds no state dict; fetch the file again")
    counters = {name: value for name, value in published.items() if name.endswith(".num_batches_tracked")}
    floats = fitted(
        {name: value for name, value in published.items() if name not in counters},
        {name: shape for name, shape in shapes.items() if not name.endswith(".num_batches_tracked")},
        "ECAPA-TDNN",
    )
    zeros = {name: torch.zeros((), dtype=torch.int64) for name in shapes if name.endswith(".num_batches_tracked")}
    state = floats | {name: counters.get(name, zero) for name, zero in zeros.items()}
    return Converted(
        "ecapa",
        "ECAPA-TDNN speaker encoder",
        {"speaker": config_card(config), "sample_rate": 16_000},
        {"speaker": {f"ecapa.{name}": value for name, value in state.items()}},
        "SpeechBrain published spkrec-ecapa-voxceleb under Apache 2.0: see the publisher's page",
        [f"Recordings at 16 kHz to vectors of {config.embedding} numbers, brought to length 1."],
    )


def speaker_config(settings: dict[str, Any], name: str) -> SpeakerConfig:
    """Sizes of the encoder that hyperparams.yaml describes.

    Raises:
        CheckpointError: another model, or one that this project's class cannot be.
    """
    model = settings.get("embedding_model")
    if not isinstance(model, dict) or "channels" not in model:
        raise CheckpointError(f"{name}/hyperparams.yaml: has no embedding_model with channels; is it an ECAPA-TDNN?")
    model = {key: resolved(value, settings) for key, value in model.items()}
    channels = model["channels"]
    like = [channels[0]] * 4 + [3 * channels[0]] if isinstance(channels, list) and channels else None
    expected = {
        "channels": like,
        "kernel_sizes": KERNELS,
        "dilations": DILATIONS,
        "input_size": BANDS,
    }
    for key, value in expected.items():
        if model.get(key, value) != value or value is None:
            raise CheckpointError(
                f"{name}/hyperparams.yaml: {key} {model.get(key)} cannot be converted; {value or 'four and three times'} can"
            )
    sizes = {
        "attention": model.get("attention_channels", 128),
        "se": model.get("se_channels", 128),
        "res2net_scale": model.get("res2net_scale", 8),
        "embedding": model.get("lin_neurons", 192),
    }
    for key, value in {"channels": channels[0], **sizes}.items():
        if not isinstance(value, int) or value < 1:
            raise CheckpointError(f"{name}/hyperparams.yaml: {key} is {value!r}; take the published file")
    return SpeakerConfig(channels=channels[0], features="fbank", **sizes)


def resolved(value: Any, settings: dict[str, Any]) -> Any:
    """``<name>``, as the tag !ref has it, to what stands under that name."""
    if isinstance(value, str) and value.startswith("<") and value.endswith(">"):
        return settings.get(value[1:-1])
    return value


def plain_yaml(path: Path) -> dict[str, Any]:
    """A YAML file whose tags are ignored: no object of any class is made.

    Raises:
        CheckpointError: not YAML, or no table.
    """
    try:
        import yaml
    except ImportError:
        raise CheckpointError("PyYAML is not installed, which hyperparams.yaml needs: pip install pyyaml") from None

    class Plain(yaml.SafeLoader):
        """Makes tables, lists and text, whatever a tag asks for."""

    def construct(loader: yaml.SafeLoader, _: str, node: yaml.Node) -> Any:
        if isinstance(node, yaml.MappingNode):
            return loader.construct_mapping(node, deep=True)
        if isinstance(node, yaml.SequenceNode):
            return loader.construct_sequence(node, deep=True)
        return loader.construct_scalar(node)

    Plain.add_multi_constructor("!", construct)
    Plain.add_multi_constructor("tag:yaml.org,2002:python/", construct)
    try:
        settings = yaml.load(path.read_text(encoding="utf-8"), Plain)  # a SafeLoader
    except (yaml.YAMLError, ValueError) as error:
        raise CheckpointError(f"{path}: not YAML ({type(error).__name__}); fetch the file again") from None
    if not isinstance(settings, dict):
        raise CheckpointError(f"{path}: holds no settings; fetch the file again")
    return settings

"""Checkpoints as their publishers lay them out, with the real names and random weights."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn

from streamflow.speechbrain_import import load_ecapa

from .qwen_oracle import oracle_dit, oracle_vocoder

HYPERPARAMS = """\
# Model: Speaker verification with ECAPA
n_mels: 80
pretrained_path: speechbrain/spkrec-ecapa-voxceleb
out_n_neurons: 5

compute_features: !new:speechbrain.lobes.features.Fbank
    n_mels: !ref <n_mels>

mean_var_norm: !new:speechbrain.processing.features.InputNormalization
    norm_type: sentence
    std_norm: False

embedding_model: !new:speechbrain.lobes.models.ECAPA_TDNN.ECAPA_TDNN
    input_size: !ref <n_mels>
    channels: [32, 32, 32, 32, 96]
    kernel_sizes: [5, 3, 3, 3, 1]
    dilations: [1, 2, 3, 4, 1]
    attention_channels: 16
    lin_neurons: 24

classifier: !new:speechbrain.lobes.models.ECAPA_TDNN.Classifier
    input_size: 24
    out_neurons: !ref <out_n_neurons>

mean_var_norm_emb: !new:speechbrain.processing.features.InputNormalization
    norm_type: global
    std_norm: False

modules:
    compute_features: !ref <compute_features>
    mean_var_norm: !ref <mean_var_norm>
    embedding_model: !ref <embedding_model>
    mean_var_norm_emb: !ref <mean_var_norm_emb>
    classifier: !ref <classifier>

label_encoder: !new:speechbrain.dataio.encoder.CategoricalEncoder

pretrainer: !new:speechbrain.utils.parameter_transfer.Pretrainer
    loadables:
        embedding_model: !ref <embedding_model>
        mean_var_norm_emb: !ref <mean_var_norm_emb>
        classifier: !ref <classifier>
        label_encoder: !ref <label_encoder>
    paths:
        embedding_model: !ref <pretrained_path>/embedding_model.ckpt
        mean_var_norm_emb: !ref <pretrained_path>/mean_var_norm_emb.ckpt
        classifier: !ref <pretrained_path>/classifier.ckpt
        label_encoder: !ref <pretrained_path>/label_encoder.txt
"""


def write_qwen(folder: Path, shards: int = 3) -> tuple[nn.Module, nn.Module, dict]:
    """A Qwen2.5-Omni folder of small networks: the DiT, the vocoder and the voices that are in it."""
    (dit, dit_config), (vocoder, _) = oracle_dit(), oracle_vocoder()
    state = {f"token2wav.code2wav_dit_model.{k}": v for k, v in dit.state_dict().items()}
    state |= {f"token2wav.code2wav_bigvgan_model.{k}": v for k, v in vocoder.state_dict().items()}
    state |= {"thinker.model.embed_tokens.weight": torch.ones(4, 4), "talker.codec_head.weight": torch.ones(3, 3)}
    folder.mkdir(parents=True, exist_ok=True)
    names, places = sorted(state), {}
    for i in range(shards):
        file = f"model-{i + 1:05d}-of-{shards:05d}.safetensors"
        mine = names[i::shards]
        save_file({name: state[name].contiguous() for name in mine}, folder / file, metadata={"format": "pt"})
        places |= dict.fromkeys(mine, file)
    index = {"metadata": {"total_size": sum(v.nbytes for v in state.values())}, "weight_map": places}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    settings = {"dit_config": dit.config.to_dict(), "bigvgan_config": vocoder.config.to_dict()}
    (folder / "config.json").write_text(json.dumps({"model_type": "qwen2_5_omni", "token2wav_config": settings}))
    random = torch.Generator().manual_seed(8)
    voices = {
        name: {
            "bos_token": 7,
            "cond": torch.randn(1, dit_config["enc_emb_dim"], generator=random),
            "ref_mel": torch.randn(1, frames, 80, generator=random),
        }
        for name, frames in (("Chelsie", 40), ("Ethan", 31))
    }
    torch.save(voices, folder / "spk_dict.pt")
    (folder / "README.md").write_text("---\nlicense: apache-2.0\nlanguage:\n- en\n---\n\n# A model\n")
    return dit, vocoder, voices


def write_ecapa(folder: Path) -> nn.Module:
    """A SpeechBrain folder: the embedding model that is in it."""
    with torch.random.fork_rng():
        torch.manual_seed(2)
        model = load_ecapa()(
            80, channels=[32, 32, 32, 32, 96], attention_channels=16, lin_neurons=24, kernel_sizes=[5, 3, 3, 3, 1]
        ).eval()
        with torch.no_grad():
            for name, buffer in model.named_buffers():
                if name.endswith("running_mean"):
                    buffer.normal_(std=0.3)
                elif name.endswith("running_var"):
                    buffer.uniform_(0.5, 2.0)
        classifier = {"weight": torch.randn(5, 24)}
    folder.mkdir(parents=True, exist_ok=True)
    torch.save(model.state_dict(), folder / "embedding_model.ckpt")
    torch.save(classifier, folder / "classifier.ckpt")
    stats = {"count": 9, "glob_mean": torch.zeros(24), "glob_std": torch.ones(1)}
    torch.save(stats, folder / "mean_var_norm_emb.ckpt")
    (folder / "label_encoder.txt").write_text("'id1' => 0\n================\n'starting_index' => 0\n")
    (folder / "hyperparams.yaml").write_text(HYPERPARAMS)
    return model

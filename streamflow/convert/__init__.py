"""Published weights into bundles of this project: Qwen2.5-Omni's Token2Wav, NVIDIA's BigVGAN, SpeechBrain's ECAPA-TDNN.

Nothing here executes code from a file: tensors are read as safetensors or with ``weights_only``, settings as plain data.
"""

"""StreamFlow and its baselines: streaming flow-matching decoders from 25 Hz speech tokens to 16 kHz audio."""

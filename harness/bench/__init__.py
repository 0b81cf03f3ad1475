"""``streamflow bench``: what decoding costs on this machine, as ratios measured in turn, in one run."""

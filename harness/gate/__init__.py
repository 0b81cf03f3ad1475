"""Hold back a decoder that is worse than the last one: pair two runs, judge, and say why.

==================  ==================================================================================
the whole           ``evaluate.evaluate(baseline, candidate, policy)`` gives an ``outcome.GateResult``
what is demanded    ``policy``: margins, slices, tail, latency (TOML, ``policies/default.toml``)
what is compared    ``pairing``: refuses runs that were not measured alike
whether it can be   ``calibration``: the baseline's seeds against each other
the judgements      ``verdicts``, ``tail``, ``latency_gate``, each a list of ``checks.Check``
the files           ``files``: ``gate.json``, ``junit``, ``markdown``, and ``reports.gate_report``
the baseline        ``baseline``: promoted, hashed, with an anchor against slow drift
==================  ==================================================================================

Nothing is imported here: ``streamflow --help`` must not wait for pandas.
"""

"""One file a check; each has ``answer(subject) -> (verdict, what was found, first failing index)``."""

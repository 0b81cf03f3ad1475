"""Verbs of the command line in the background: each a process of its own that outlives whoever started it.

Jobs wait for each other, as what they measure is latency. Everything about a job lies in a folder of its own, so that a
server that was started again, or killed, finds it as it is.
"""

from .job import Job, JobError
from .progress import tell
from .queue import Jobs

__all__ = ["Job", "JobError", "Jobs", "tell"]

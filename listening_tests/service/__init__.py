"""The service: the only thing of a study that a browser talks to."""

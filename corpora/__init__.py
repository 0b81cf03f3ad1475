"""The corpora that the project makes, and the scripts that make them."""

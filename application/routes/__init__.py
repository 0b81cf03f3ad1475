"""Routes of the application beside its pages."""

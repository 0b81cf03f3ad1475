"""The web application: pages over the packages. It composes; whatever it shows is computed elsewhere."""

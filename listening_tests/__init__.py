"""Listening tests that a reviewer would trust: blind, balanced, durable, and statistically right."""

"""Measurements of speed, size and quality: run by hand, not by the tests."""

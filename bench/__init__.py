"""Measurements beside the peers and the limit. Not part of the test suite."""

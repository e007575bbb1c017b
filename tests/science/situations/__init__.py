"""Situations whose truth is known, run as jobs: what the diagnosis is measured against."""

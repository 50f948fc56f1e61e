"""Checks: evidence → rulings, one file a stage, each rule a pure function whose docstring is the user's page."""

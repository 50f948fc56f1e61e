"""Probes: what to run, in which order, to learn what a stage's checks judge. One file a stage. They judge nothing."""

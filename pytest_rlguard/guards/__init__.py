"""Guards: the run-time objects of a training loop (versions, lag, queue, crashes). None exist in this version."""

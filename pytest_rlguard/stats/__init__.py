"""Statistics: arrays in, frozen results out; no process, no clock, no global random state."""

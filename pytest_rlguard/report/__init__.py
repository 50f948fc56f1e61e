"""Reports: verdicts to lines, JSON and JUnit XML. This room decides nothing."""

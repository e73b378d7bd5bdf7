"""What operators run and look at: the command line and its commands, logs, figures, readiness, traces."""

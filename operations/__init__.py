"""What operators run and look at: commands, the bounces process, logs, figures, readiness, traces."""

"""What operators look at: logs, figures, readiness, traces, and the commands that check and mend an installation."""

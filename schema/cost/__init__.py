"""What operations cost: weighed before they run, counted afterwards, and drawn from their caller's bucket."""

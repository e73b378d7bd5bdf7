"""The benchmarks: ours and its yardsticks in one run, interleaved, on real and durable engines."""

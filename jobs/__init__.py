"""Work done later by ARQ workers: a file is a job is a function name."""

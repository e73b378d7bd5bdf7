"""A small typed client of Rekindle's API, for scripts: `client/rekindle.py` is made from `schema.graphql`."""

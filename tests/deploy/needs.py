"""Which secrets each process needs: what units and containers hand to it, and what the tests start it with."""

BY_COMMAND = {
    "serve": {"database_url", "secret_key", "token_secret", "metrics_token"},
    "work": {"database_url", "secret_key", "smtp_url", "dkim_key"},
    "bounces": {"database_url", "secret_key"},
}
"""The settings that are secrets, by command."""

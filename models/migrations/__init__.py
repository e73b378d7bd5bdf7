"""The schema's history, oldest first; run by `models.migration.migrate`."""

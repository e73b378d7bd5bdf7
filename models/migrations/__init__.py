"""The schema's history, oldest first; run by `models.database.migrate`."""

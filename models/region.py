"""Regions as customers and rules name them: codes of ISO 3166-1 for countries, and of ISO 3166-2 for what is in them."""

COUNTRY = "[A-Z]{2}"
"""The shape of a country's code, such as MX."""

REGION = f"{COUNTRY}-[A-Z0-9]{{1,3}}"
"""The shape of a region's, such as MX-JAL."""

"""`python -m schema > schema.graphql`: the schema's text, as it is committed."""

import sys

from schema import schema

sys.stdout.write(schema.as_str().strip() + "\n")

"""What calls of shops' own systems leave by, and how a message goes to a chat platform at most once (R20, R22)."""

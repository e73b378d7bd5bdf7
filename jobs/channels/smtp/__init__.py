"""What mail leaves by: a relay, its connections, and the letters that wait for one (R21, R22)."""

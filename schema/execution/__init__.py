"""How an operation becomes an answer, whatever way it came."""

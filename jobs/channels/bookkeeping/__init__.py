"""What is written down of messages, whatever they leave by: in the ledger, and in the figures of this process."""

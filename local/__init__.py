"""What makes one machine enough: embedded engines, a mailbox, a demo shop. Used only when no URL is set."""

"""What makes one machine enough: embedded engines, keys, a mailbox, a demo shop. Used only where a setting names none."""

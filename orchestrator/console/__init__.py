"""What a terminal shows: messages, tables, progress."""

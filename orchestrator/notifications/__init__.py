"""Word to a phone, a mailbox or a chat when a sweep has ended, or when its trials diverge."""

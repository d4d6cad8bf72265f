"""What tests run in processes of their own: see `support.commands.program`."""

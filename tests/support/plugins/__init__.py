"""Plug-ins that tests make known to the command by entry points of their own."""

"""What notebooks and programs use: `import orchestrator as orch`, then `orch.sweep`, `load`, `plan` and `compare`."""

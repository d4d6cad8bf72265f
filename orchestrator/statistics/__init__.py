"""What a sweep's results say and how surely: pure functions of plain data, one subject a file."""

"""The comparison report: MLflow -> data -> analysis, leaderboard, summary -> page, report.md, tables."""

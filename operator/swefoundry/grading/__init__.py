"""Test reports to per-test statuses and sets, exit codes to verdicts. Pure."""

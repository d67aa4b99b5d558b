"""TaskInstance: from a manifest to a verdict: observe, decide (rules), act (actions), report (status)."""

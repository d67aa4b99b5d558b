"""Types that two processes agree on: specs and results of pods, drafts, facts, models, budgets."""

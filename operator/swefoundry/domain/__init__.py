"""What the product knows without asking anybody: stages, drafts, outcomes, verdicts. Pure; imports nothing of ours."""

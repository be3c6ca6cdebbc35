"""Words that every module speaks; imports nothing of ours."""

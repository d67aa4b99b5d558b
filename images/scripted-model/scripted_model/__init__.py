"""A fake model server: implements the OpenAI chat completions API over HTTP, with answers from a script.

It replaces a paid endpoint in tests and demonstrations. It does not import swefoundry, and swefoundry does not import
it: they share only the API, the first line of each role's system prompt, and the heading before a described schema.
"""

"""A model server without a model: it speaks the OpenAI protocol over HTTP and says what a script says.

It stands in for a paid endpoint in tests and demonstrations. Nothing of swefoundry is imported here, and nothing here
is imported by swefoundry: all that they share is the protocol, and the first line of each role's system prompt.
"""

"""Access to OpenAI-compatible model endpoints: client, request and response formats, errors, stored responses."""

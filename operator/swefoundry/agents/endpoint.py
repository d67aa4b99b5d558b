"""The only module that knows the model client: our requests to an OpenAI-compatible endpoint, and its errors to stops."""

import httpx2
import openai

__all__ = ["httpx2", "openai"]

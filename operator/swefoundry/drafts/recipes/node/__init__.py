"""The Node recipe, for JavaScript and TypeScript."""

"""The screens of data partners: their agreements, tokens, letters, and what they see."""

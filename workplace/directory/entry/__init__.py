"""The pages of one entry: editing, preview, history, *Confidential*, and what belongs to it."""

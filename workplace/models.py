"""What the workplace keeps of its own."""

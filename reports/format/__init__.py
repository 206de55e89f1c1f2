"""Numbers and names to text."""

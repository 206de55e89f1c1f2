"""A study's files in a local folder or in object storage."""

"""File format of a study, with the code that reads and writes it."""

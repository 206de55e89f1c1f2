"""The file format of a study, and how it is read and written."""

"""Create, check, resume, describe and estimate a study."""

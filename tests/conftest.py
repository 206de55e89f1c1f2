"""What all tests share."""

from hypothesis import settings

# The machine's speed decides no test, and every run tries the same examples.
settings.register_profile("bloodstudy", deadline=None, derandomize=True)
settings.load_profile("bloodstudy")

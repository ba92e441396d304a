"""Reading, hearing and speaking, each in a process of its own that can be killed."""

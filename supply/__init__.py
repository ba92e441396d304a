"""What Parley is made of that others wrote: pinned, hashed, and looked up among known vulnerabilities."""

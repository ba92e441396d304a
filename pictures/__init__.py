"""Pictures and pages: cleaned in a process of its own before anything else sees them."""

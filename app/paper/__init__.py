"""What stands on a PDF, read by a process of its own: it loads nothing that it does not need."""

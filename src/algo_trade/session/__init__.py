"""One session: from the first message to the report."""

"""What the extraction benchmark is made of: the labelled calls, the readers compared, the scores."""

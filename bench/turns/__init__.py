"""Parts of the bench of turns: callers and what they say, stub vendors, contenders, judgement."""

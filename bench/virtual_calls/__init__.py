"""What the calls of `script/bench virtual` have to give, and the server they are placed at."""

"""Double entry in whole fen, append only."""

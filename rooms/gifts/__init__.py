"""The catalogue of gifts, their records, likes and the leaderboard."""

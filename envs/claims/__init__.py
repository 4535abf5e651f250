"""Claims: what the last turn of an episode says in words, judged as truthful or not."""

"""Supervised batches from demonstrations and recorded chats, and the tokenizer and initial weights of the seed."""

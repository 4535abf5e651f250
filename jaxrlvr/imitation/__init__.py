"""Demonstrations and recorded chats to supervised batches; the seed's tokenizer and first weights."""

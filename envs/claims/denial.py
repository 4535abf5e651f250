def denies(text):
    return "not" in text.lower().split()

"""Small random projects and random edits of them, made of parts, and what a cold pytest sees of them."""

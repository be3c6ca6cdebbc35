"""Tree and definitions in, issues out."""

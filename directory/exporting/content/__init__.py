"""What goes into a file, in every format: entries, rows, words, and what the format leaves out."""

"""What a part of a file would change, compared with what is here; nothing is written here."""

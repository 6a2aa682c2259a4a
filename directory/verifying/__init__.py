"""Asks agencies, by mail, whether what is published of them is right; takes their answers."""

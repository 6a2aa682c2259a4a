"""Keeps a partner's SQL database current: published, versioned tables, through SQLAlchemy Core."""

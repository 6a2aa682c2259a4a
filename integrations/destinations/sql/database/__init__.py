"""A partner's database: its connection, what its errors mean, and the tables that we keep there."""

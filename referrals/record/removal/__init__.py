"""What goes away: taken back by its sender, or kept for long enough."""

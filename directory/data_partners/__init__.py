"""What data partners have beside their view: `tokens`, and the changes that `feed` tells them."""

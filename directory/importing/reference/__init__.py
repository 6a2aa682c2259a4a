"""Lists that entries refer to: taxonomies with their terms, and postcodes with their places."""

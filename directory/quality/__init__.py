"""What staff should look at: `checks` lists the checks, each with a query for its entries."""

"""One folder for each kind of sender; `parsed` is what all of them produce."""

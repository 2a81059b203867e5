"""One module per figure: it turns tables or arrays into a matplotlib figure."""

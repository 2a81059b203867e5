"""One module per figure: data in, Figure out; drawn from saved tables and arrays only."""

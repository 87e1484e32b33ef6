"""How files are written. Below every room but `wording`, so that all write them alike."""

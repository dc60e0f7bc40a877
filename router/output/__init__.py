"""How long and in what form answers may be."""

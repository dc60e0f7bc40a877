"""Reports as pages: how figures are written, drawn and laid out, and the page of what requests cost."""

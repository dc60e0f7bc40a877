"""Providers: the wire formats, each a pure codec around an official client."""

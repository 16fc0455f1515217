"""What programs may ask, by API token; so far who they are."""

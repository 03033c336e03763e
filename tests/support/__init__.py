"""What tests build on: small projects on disk."""

"""Authorisation: tokens with scopes, and the audit log of their use."""

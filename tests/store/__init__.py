"""Tests of the store: real databases on disk, real processes that write to them and die."""

"""Replays the commits of real repositories."""

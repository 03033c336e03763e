"""The engine: follows the project's files, keeps facts true, drives the agent, and tells its listeners."""

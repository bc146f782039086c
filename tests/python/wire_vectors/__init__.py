"""The wire vectors of tests/vectors against the package."""

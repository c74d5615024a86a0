"""Runs Apache ZooKeeper's own test classes and keeps, compares and reports their outcomes."""

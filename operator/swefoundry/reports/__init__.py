"""Test reports: JUnit XML and TAP to {test id: status}, the frames they travel in, and their sets."""

"""Pods from the controllers' side: pod specs, pod status, attempts, places, and their launch."""

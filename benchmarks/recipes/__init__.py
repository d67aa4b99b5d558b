"""How many release pairs of real packages does the Python recipe solve, without a cluster and without a model?"""

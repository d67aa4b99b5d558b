"""The program of intake pods: reads a spec, makes a clean tree, stage layers and facts, and leaves a result.

Everything here works on hostile input (archives, git hosts, patches) as an unprivileged user in a pod of
its own.
"""

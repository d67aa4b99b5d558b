"""What runs in intake pods: an order in, a clean tree, stage layers, facts and a record out.

Everything here works on hostile input (archives, git hosts, patches) as an unprivileged user in a pod of
its own.
"""

"""The program of leaks pods: reads the layers of a task image and names what they show of the solution.

Nothing is unpacked or run: a layer is a stream of members. Names, links and sizes are the image's own and not trusted.
"""

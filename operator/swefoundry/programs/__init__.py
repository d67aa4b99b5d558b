"""The programs that run inside pods. They never import kube, workloads or controllers."""

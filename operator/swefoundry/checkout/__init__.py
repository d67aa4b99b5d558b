"""What runs in checkout pods: the layer that turns one commit's tree in an image into another's."""
